import { decodeI2cp, encodeI2cp } from '@allium/router/destination/i2cp-gzip.ts';
import { decodePacket, encodePacket } from '@allium/router/streaming/packet.ts';
import { Bench } from 'tinybench';
import { DestinationNet } from '../router/destination/destination-net.ts';
import { pattern, pump, StreamNet } from '../router/streaming/stream-net.ts';

const BODY = pattern(1_000_000);
const REQUEST = Buffer.from('GET / HTTP/1.1\r\n\r\n');
const MINUTE = 60_000;

/** What a packet costs, and a megabyte from end to end: both ends run in this process. */
export async function suite(): Promise<Bench> {
  const bench = new Bench({ name: 'streaming', time: 500 });
  const packet = {
    sendStreamId: 1,
    receiveStreamId: 2,
    sequence: 3,
    ackThrough: 4,
    nacks: [],
    resendDelay: 1,
    flags: 0,
    payload: BODY.subarray(0, 1_812),
  };
  const bytes = encodePacket(packet);
  const framed = encodeI2cp({ fromPort: 0, toPort: 80, protocol: 6, payload: bytes });
  bench
    .add('encode a data packet (1812 bytes)', () => void encodePacket(packet))
    .add('decode a data packet', () => void decodePacket(bytes))
    .add('frame it for I2CP, stored', () => {
      encodeI2cp({ fromPort: 0, toPort: 80, protocol: 6, payload: bytes });
    })
    .add('read the frame', () => void decodeI2cp(framed))
    .add('1 MB through a stream', () => streamed({ delay: 20 }))
    .add('1 MB through a stream that loses 5 %', () => streamed({ delay: 20, loss: 0.05 }))
    .add('1 MB through a stream and a ratchet session', () => encrypted());
  return bench;
}

function streamed(link: { readonly delay: number; readonly loss?: number }): void {
  const net = new StreamNet(link);
  const [client, server] = [net.endpoint('client'), net.endpoint('server')];
  server.step({ kind: 'listen', port: 80 });
  server.onEvent = (event) => {
    if (event.kind === 'opened') pump(server, event.stream, BODY);
  };
  const stream = client.connect(server.hash, 80, REQUEST);
  net.time.run(10 * MINUTE, () => client.of(stream).ended);
  if (client.of(stream).bytes !== BODY.length) throw new Error('incomplete');
}

function encrypted(): void {
  const net = new DestinationNet({ delay: 20 });
  const server = net.host('server', { publish: true });
  const client = net.host('client', { publish: false });
  server.stream({ kind: 'listen', port: 80 });
  server.onEvent = (event) => {
    if (event.kind !== 'opened') return;
    server.stream({ kind: 'write', stream: event.stream, bytes: BODY });
    server.stream({ kind: 'end', stream: event.stream });
  };
  const stream = client.connect(server.hash, REQUEST);
  net.time.run(10 * MINUTE, () => client.of(stream).ended);
  if (client.of(stream).bytes !== BODY.length) throw new Error('incomplete');
}
