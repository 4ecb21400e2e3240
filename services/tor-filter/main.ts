import { runService } from '@allium/common/lifecycle/run-service.ts';
import { loadTorFilterConfig } from './host/config.ts';
import { TorFilter } from './host/tor-filter.ts';

const USAGE = 'usage: npm start -w @allium/tor-filter -- --config FILE';

process.exit(await runService(USAGE, (file) => new TorFilter(loadTorFilterConfig(file))));
