import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import test from 'ava';
import { missing } from '../support/debian.ts';
import { freePort } from '../support/free-port.ts';

test('a missing tool is named with its package, and nothing that the list does not have may be asked for', (t) => {
  t.is(missing('sh'), undefined);
  t.throws(() => missing('no-such-program'), { message: /no-such-program is not in \.ci\/packages/ });
});

test('no test installs anything by itself', (t) => {
  const door = 'test/support/debian.ts';
  const own = import.meta.filename;
  for (const file of globSync('test/**/*.{ts,sh}')) {
    if (file === door || own.endsWith(file)) continue;
    t.notRegex(readFileSync(file, 'utf8'), /apt-get|apt-install/, file);
  }
});

test('ports for programs that cannot be told port 0 are free, different, and not the kernel’s to give away', async (t) => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  t.is(new Set(ports).size, ports.length);
  const first = Number(/\d+/.exec(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'))?.[0]);
  for (const port of ports) {
    t.true(port > 1023 && port < first, String(port));
    const server = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
    server.close();
  }
});
