import test from 'ava';
import fc from 'fast-check';
import {
  absoluteUrl,
  parseAbsolute,
  parseConnect,
  parseOrigin,
} from '../../../services/forwarder/rules/request-url.ts';

const READ: readonly (readonly [target: string, host: string, port: number, sent: string])[] = [
  ['http://foo.i2p/x?y', 'foo.i2p', 80, 'http://foo.i2p/x?y'],
  ['http://FOO.I2P.:8080', 'foo.i2p', 8080, 'http://FOO.I2P.:8080/'],
  ['http://foo.i2p@evil.example/', 'evil.example', 80, 'http://evil.example/'],
  ['http://a:b@foo.i2p/#top', 'foo.i2p', 80, 'http://foo.i2p/'],
  ['http://foo.i2p?q=http://x/', 'foo.i2p', 80, 'http://foo.i2p/?q=http://x/'],
  ['http://foo.i2p#@evil.example/', 'foo.i2p', 80, 'http://foo.i2p/'],
  ['http://[::1]:81/', '::1', 81, 'http://[::1]:81/'],
  ['HTTP://foo.i2p/', 'foo.i2p', 80, 'http://foo.i2p/'],
];
for (const [target, host, port, sent] of READ) {
  test(`${target} is ${host}:${port}`, (t) => {
    const parsed = parseAbsolute(target);
    if (parsed.kind !== 'url') return t.fail(parsed.kind);
    t.is(parsed.url.host, host);
    t.is(parsed.url.port, port);
    t.is(absoluteUrl(parsed.url), sent);
  });
}

const REFUSED: readonly (readonly [target: string, kind: string])[] = [
  ['/x', 'malformed'],
  ['*', 'malformed'],
  ['https://foo.i2p/', 'malformed'],
  ['http://', 'malformed'],
  ['http:///x', 'malformed'],
  ['http://foo..i2p/', 'malformed'],
  ['http://.i2p/', 'malformed'],
  ['http://foo.i2p:0/', 'malformed'],
  ['http://foo.i2p:65536/', 'malformed'],
  ['http://foo.i2p:/', 'malformed'],
  ['http://foo.i2p\\@evil.example/', 'malformed'],
  ['http://foo.i2p%2eexample/', 'malformed'],
  ['http://foo.i2p/a b', 'malformed'],
  ['http://foo.i2p/\r\nX: y', 'malformed'],
  ['http://f\u00f6o.i2p/', 'malformed'],
  ['ftp://foo.i2p/', 'ftp'],
  ['GOPHER://foo.i2p/', 'gopher'],
  [`http://foo.i2p/${'x'.repeat(17_000)}`, 'too-long'],
];
for (const [target, kind] of REFUSED) {
  test(`${JSON.stringify(target.slice(0, 40))} is ${kind}`, (t) => {
    t.is(parseAbsolute(target).kind, kind as ReturnType<typeof parseAbsolute>['kind']);
  });
}

test('targets of CONNECT and of tunnels', (t) => {
  t.like(parseConnect('foo.i2p:443'), {
    kind: 'url',
    url: { host: 'foo.i2p', port: 443, scheme: 'connect' },
  });
  t.like(parseConnect('foo.i2p'), { kind: 'url', url: { port: 443 } });
  t.is(parseConnect('foo.i2p:443/').kind, 'malformed');
  t.like(parseOrigin('/x#y', 'foo.i2p:80'), {
    kind: 'url',
    url: { host: 'foo.i2p', path: '/x', authority: 'foo.i2p:80' },
  });
  t.is(parseOrigin('http://other.i2p/', 'foo.i2p:80').kind, 'malformed');
});

test('what is read is read the same again after it was sent', (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'ab.@:/?#[]%\\80 -_'), maxLength: 20 });
  fc.assert(
    fc.property(text, (rest) => {
      const first = parseAbsolute(`http://${rest}`);
      if (first.kind !== 'url') return true;
      const second = parseAbsolute(absoluteUrl(first.url));
      return (
        second.kind === 'url' && second.url.host === first.url.host && second.url.port === first.url.port
      );
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});
