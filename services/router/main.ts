import { runService } from '@allium/common/lifecycle/run-service.ts';
import { loadRouterConfig } from './host/config.ts';
import { Router } from './host/router.ts';

process.exit(
  await runService({
    usage: 'usage: npm start -w @allium/router -- --config FILE [--check]',
    load: loadRouterConfig,
    create: (config) => new Router(config),
  }),
);
