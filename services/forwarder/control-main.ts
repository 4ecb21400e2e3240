import { runService } from '@allium/common/lifecycle/run-service.ts';
import { ControlService, loadControlConfig } from './host/control-service.ts';

const USAGE = 'usage: npm run control -w @allium/forwarder -- --config FILE';

process.exit(await runService(USAGE, (file) => new ControlService(loadControlConfig(file))));
