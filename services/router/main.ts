import { runService } from '@allium/common/lifecycle/run-service.ts';
import { loadRouterConfig } from './host/config.ts';
import { Router } from './host/router.ts';

const USAGE = 'usage: npm start -w @allium/router -- --config FILE';

process.exit(await runService(USAGE, (file) => new Router(loadRouterConfig(file))));
