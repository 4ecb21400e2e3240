import { runService } from '@allium/common/lifecycle/run-service.ts';
import { doubtsOf, loadTorFilterConfig } from './host/config.ts';
import { TorFilter } from './host/tor-filter.ts';

process.exit(
  await runService({
    usage: 'usage: npm start -w @allium/tor-filter -- --config FILE [--check]',
    load: loadTorFilterConfig,
    doubts: doubtsOf,
    create: (config) => new TorFilter(config),
  }),
);
