import { runService } from '@allium/common/lifecycle/run-service.ts';
import { loadUplinkConfig } from './host/config.ts';
import { Uplink } from './host/uplink.ts';

const USAGE = 'usage: npm start -w @allium/uplink -- --config FILE';

process.exit(await runService(USAGE, (file) => new Uplink(loadUplinkConfig(file))));
