import test from 'ava';
import fc from 'fast-check';
import { bodyEnd, encodeBody, headText } from '../../../services/forwarder/http/encode.ts';
import { bytesOf, cut, readAnswer, readBody, readRequest } from './read.ts';

const places = fc.array(fc.nat(200_000), { maxLength: 12 });
const words = (...list: readonly string[]) => fc.constantFrom(...list);

const latin1 = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Pieces of heads, good and bad, in any order: most of what comes out is nearly right. */
const headLike = fc
  .array(
    fc.oneof(
      words(
        'GET http://a.i2p/ HTTP/1.1\r\n',
        'POST /x HTTP/1.0\r\n',
        'HTTP/1.1 200 OK\r\n',
        'ICY 200 OK\n',
        '\r\n\r\n',
      ),
      words(
        'Host: a\r\n',
        'Content-Length: 5\r\n',
        'Transfer-Encoding: chunked\r\n',
        'X-A : b\r\n',
        ' folded\r\n',
      ),
      words(
        '\r',
        '\n',
        '\r\n',
        ':',
        ' ',
        '\t',
        '\0',
        '\x01',
        '\x7f',
        '\xff',
        'nonsense',
        'Expect: 100-continue\r\n',
      ),
      latin1(8),
    ),
    { maxLength: 12 },
  )
  .map((parts) => bytesOf(parts.join('')));

const chunksLike = fc
  .array(
    fc.oneof(
      words(
        '3\r\nabc\r\n',
        '0\r\n\r\n',
        '5;x=y\r\nhello\r\n',
        '1 \n',
        'a\n',
        '\r\n',
        '0',
        'X: 1\r\n',
        '\r',
        '\n',
        'ff',
        ';',
      ),
      latin1(6),
    ),
    { maxLength: 12 },
  )
  .map((parts) => bytesOf(parts.join('')));

test('however the bytes of a head are cut, the result and the rest are the same', (t) => {
  fc.assert(
    fc.property(headLike, places, (bytes, at) => {
      const small = { bytes: 120, firstLine: 40, headers: 3 };
      for (const limits of [undefined, small]) {
        t.deepEqual(readRequest(cut(bytes, at), limits), readRequest([bytes], limits));
        t.deepEqual(readAnswer(cut(bytes, at), 'GET', limits), readAnswer([bytes], 'GET', limits));
      }
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('however the bytes of a body are cut, the body, its end and the rest are the same', (t) => {
  const framings = fc.constantFrom(
    ...([
      { kind: 'chunked' },
      { kind: 'length', length: 9 },
      { kind: 'none' },
      { kind: 'until-close' },
    ] as const),
  );
  fc.assert(
    fc.property(chunksLike, places, framings, fc.boolean(), (bytes, at, framing, strict) => {
      t.deepEqual(readBody(framing, strict, cut(bytes, at)), readBody(framing, strict, [bytes]));
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('any body comes out of chunks as it went in, with what is behind it', (t) => {
  const bodies = fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), { maxLength: 6 });
  fc.assert(
    fc.property(bodies, latin1(20), places, (groups, behind, at) => {
      const parts = groups.map((group) => group.map((bytes) => Buffer.from(bytes)));
      const end = bodyEnd('chunked') ?? Buffer.alloc(0);
      const wire = Buffer.concat([
        ...parts.flatMap((group) => encodeBody(group, 'chunked')),
        end,
        bytesOf(behind),
      ]);
      const body = Buffer.concat(parts.flat()).toString('latin1');
      t.deepEqual(readBody({ kind: 'chunked' }, true, cut(wire, at)), {
        body,
        result: 'whole',
        rest: behind,
      });
    }),
    { numRuns: 500 },
  );
  t.pass();
});

const name = fc
  .stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
  .filter((text) => !/^(?:host|connection|expect|content-length|transfer-encoding)$/i.test(text));
const value = fc.stringMatching(
  /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?)?$/,
);

test('a head that we write is read as it was meant, by the strict reader and by the forgiving one', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), (pairs) => {
      const headers = pairs.flat();
      t.like(readRequest([bytesOf(headText('GET /x HTTP/1.1', headers))]).result, { target: '/x', headers });
      t.like(readAnswer([bytesOf(headText('HTTP/1.1 200 OK', headers))]).result, { status: 200, headers });
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('whatever a server sends, what is left of its head can be written again and is then read the same', (t) => {
  fc.assert(
    fc.property(headLike, (bytes) => {
      const { result } = readAnswer([
        Buffer.concat([bytesOf('HTTP/1.1 200 OK\r\n'), bytes, bytesOf('\n\n')]),
      ]);
      if (typeof result !== 'object') return;
      const again = readAnswer([
        bytesOf(headText(`HTTP/1.1 ${result.status} ${result.reason}`, result.headers)),
      ]);
      t.like(again.result, { status: result.status, reason: result.reason, headers: result.headers });
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('the time grows with the bytes and with nothing else', (t) => {
  const hostile: readonly (readonly [string, (bytes: Buffer) => unknown])[] = [
    [
      '\r\n',
      (bytes) =>
        readRequest(
          [...bytes].map((byte) => Buffer.from([byte])),
          { bytes: 1 << 20, firstLine: 1 << 20, headers: 100 },
        ),
    ],
    [
      'x',
      (bytes) =>
        readRequest(
          [...bytes].map((byte) => Buffer.from([byte])),
          { bytes: 1 << 20, firstLine: 1 << 20, headers: 100 },
        ),
    ],
    ['x:\n', (bytes) => readAnswer([bytes], 'GET', { bytes: 1 << 20, firstLine: 1 << 20, headers: 1_000 })],
    ['1\r\nx\r\n', (bytes) => readBody({ kind: 'chunked' }, true, [bytes])],
  ];
  for (const [unit, read] of hostile) {
    const timeOf = (length: number): number => {
      const bytes = bytesOf(unit.repeat(length / unit.length));
      // Not the clock: other work on the machine is no work of ours.
      const begun = process.threadCpuUsage();
      read(bytes);
      const { user, system } = process.threadCpuUsage(begun);
      return (user + system) / 1_000;
    };
    timeOf(50_000);
    const [small, large] = [
      Math.min(timeOf(50_000), timeOf(50_000)),
      Math.min(timeOf(400_000), timeOf(400_000)),
    ];
    // Eight times the bytes; sixty-four times the time would be the square.
    t.true(large < 30 * small + 50, `${JSON.stringify(unit)}: ${small} ms, ${large} ms`);
  }
});
