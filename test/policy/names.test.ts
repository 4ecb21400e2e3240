import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@allium/common/observe/logger.ts';
import test from 'ava';
import { Nft } from 'nftables-ts/nft.ts';
import { policyNames, readPolicy } from '../../services/policy/host/policies.ts';
import { PolicyService } from '../../services/policy/host/service.ts';
import { parseSettings } from '../../services/policy/model/settings.ts';

const SHIPPED = join(import.meta.dirname, '../../policies');

test('the names are those of the files, whatever is in them; without the folder there is none', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'allium-policies-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const name of ['b.yaml', 'a.yaml', 'README.md']) writeFileSync(join(folder, name), 'not a policy');
  t.deepEqual(policyNames(folder), ['a', 'b']);
  t.deepEqual(policyNames(join(folder, 'none')), []);
});

test('a policy with a mistake is told with its line, the others with what they are for', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'allium-policies-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(
    join(folder, 'wrong.yaml'),
    'version: 1\nname: wrong\nabout: has a key too many\nopen: all\n',
  );
  writeFileSync(join(folder, 'right.yaml'), 'version: 1\nname: right\nabout: lets nothing pass at all\n');
  const text = `policies: ${folder}
policy: right
control: /nowhere.sock
lan: { address: 10.152.152.10, subnet: 10.152.128.0/18 }
up: { address: 172.31.255.2, subnet: 172.31.255.0/29 }
uplink: { address: 172.31.255.3, port: 3128 }
tor: { uid: 9001 }
`;
  const settings = parseSettings('policy.yaml', text);
  const sealed = readPolicy(SHIPPED, 'sealed');
  const logger = createLogger('test', 'silent');
  const service = new PolicyService(settings, sealed, 1, new Nft({ scratch: tmpdir() }), logger);
  const [right, wrong] = service.policies();
  t.deepEqual(right, { name: 'right', about: 'lets nothing pass at all' });
  t.is(wrong?.name, 'wrong');
  t.regex(wrong?.mistake ?? '', /wrong\.yaml:4:1: open/);
  t.deepEqual(service.status().known, ['right', 'wrong']);
});
