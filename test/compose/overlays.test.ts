import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { ROOT } from './contract.ts';

/** What the test network needs otherwise than a user; the rest of each file is as shipped. */
const DIFFERENCES: Readonly<Record<string, object>> = {
  supervisor: { ext: 'allium-test_world' },
  uplink: { allowPrivateAddresses: true },
  router: { netId: 99, reseed: { files: ['/reseed'], servers: false }, allowPrivateAddresses: true },
};

const read = (...path: string[]): object => parse(readFileSync(join(ROOT, ...path), 'utf8')) as object;

for (const [service, difference] of Object.entries(DIFFERENCES)) {
  test(`in front of the test network, ${service} is configured as shipped but for ${Object.keys(difference).join(', ')}`, (t) => {
    t.deepEqual(read('test/compose', `${service}.yaml`), {
      ...read('images', service, `${service}.yaml`),
      ...difference,
    });
  });
}

for (const name of ['overlay.i2p.yaml', 'overlay.test-network.yaml']) {
  test(`${name} changes nothing of the appliance but mounted configuration`, (t) => {
    const { services } = read('test/compose', name) as { services: Record<string, object> };
    const shipped = Object.keys((read('compose.yaml') as { services: object }).services);
    for (const [service, changes] of Object.entries(services)) {
      if (!shipped.includes(service)) continue;
      const allowed = ['volumes', 'depends_on'];
      t.deepEqual(
        Object.keys(changes).filter((key) => !allowed.includes(key)),
        [],
        service,
      );
      const { volumes = [] } = changes as { volumes?: string[] };
      for (const mount of volumes) t.regex(mount, /:ro$/, service);
    }
  });
}
