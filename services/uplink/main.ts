import { runService } from '@allium/common/lifecycle/run-service.ts';
import { doubtsOf, loadUplinkConfig } from './host/config.ts';
import { Uplink } from './host/uplink.ts';

process.exit(
  await runService({
    usage: 'usage: npm start -w @allium/uplink -- --config FILE [--check]',
    load: loadUplinkConfig,
    doubts: doubtsOf,
    create: (config) => new Uplink(config),
  }),
);
