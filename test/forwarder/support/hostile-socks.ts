import { ByteReader } from '@allium/common/bytes/reader.ts';
import { SocksAsking, socks5Request } from '@allium/common/socks/asking.ts';
import { SocksHandshake } from '@allium/common/socks/handshake.ts';
import {
  readGreeting,
  readLogin,
  readSocks4Request,
  readSocks5Request,
  readWhole,
} from '@allium/common/socks/messages.ts';
import { readSocks5Reply, socks5Reply } from '@allium/common/socks/replies.ts';
import { type SocksAsked, SocksServer } from '@allium/common/socks/server.ts';
import { escapeHtml, html } from '@allium/common/text/html.ts';
import { sortHostName } from '@allium/common/text/i2p-name.ts';
import { chooseParent } from '../../../services/forwarder/socks/choose.ts';
import { firstWord } from '../../../services/forwarder/socks/first-word.ts';
import { readStreamAsk, wantsFrames } from '../../../services/router/client/stream-ask.ts';
import { Visitors } from '../../../services/router/client/visitors.ts';
import { AddressBook } from '../../../services/router/names/address-book.ts';
import { hashOfBase32, readDestination } from '../../../services/router/names/destination-text.ts';
import { readHostsFile } from '../../../services/router/names/hosts-file.ts';
import { LearntNames } from '../../../services/router/names/learnt-names.ts';
import { destHash } from '../../../services/router/wire/hash.ts';
import { judgeCommand, valueIn } from '../../../services/tor-filter/filter/commands.ts';
import { ControlFilter } from '../../../services/tor-filter/filter/control-filter.ts';
import type { Streams, Table } from './hostile-table.ts';

/** RFC 1928 3: no login; then a request for a name, and what follows it. */
const GREETING = Buffer.of(5, 1, 0);
const REQUEST = Buffer.from(socks5Request(1, 'a.i2p', 80));
const HASH = destHash(Buffer.alloc(32));
const OVER_SOCKETS = 'a socket; what comes from it goes through SocksAsking';

function asked(host: string): SocksAsked {
  const [user, password] = [Buffer.from(host, 'latin1'), Buffer.from(host, 'latin1')];
  const request = { command: 1, host, port: 80 };
  return { kind: 'request', request, raw: user, login: { user, password }, version: 5, early: 0 };
}

function asking(): SocksAsking {
  return new SocksAsking({ request: REQUEST, atOnce: true, replies: 1 });
}

/** A server whose client has asked for something that nobody has answered. */
function askedServer(): SocksServer {
  const server = new SocksServer();
  for (const bytes of [GREETING, REQUEST]) server.step({ kind: 'bytes', bytes }, 0);
  return server;
}

/** What reads SOCKS, names, and Tor's control protocol. */
export const SOCKS: Table = {
  'common/socks/asking SocksAsking.constructor': 'a request of ours',
  'common/socks/asking SocksAsking.take': ({ bytes }) => {
    for (const front of ['', '\x05\0', '\x05\0\x05\0\0\x03']) {
      const client = asking();
      client.take(Buffer.from(front, 'latin1'));
      client.take(bytes);
    }
  },
  'common/socks/asking socks5Request': ({ text }) => socks5Request(1, text, 80),
  'common/socks/client socksConnect': 'a socket; the package `socks` reads what comes from it',
  'common/socks/early-client SocksFailure.constructor': 'words of ours',
  'common/socks/early-client askSocks': OVER_SOCKETS,
  'common/socks/early-client bindVisitor': OVER_SOCKETS,
  'common/socks/early-client connectWithEarly': OVER_SOCKETS,
  'common/socks/early-client streamAsk': 'a name that was resolved',
  'common/socks/handshake SocksHandshake.take': ({ bytes }) => {
    for (const front of ['', '\x04\x01\0\x50\0\0\0\x01', '\x05\x01\x02', '\x05\x01\0']) {
      const handshake = new SocksHandshake();
      handshake.take(Buffer.from(front, 'latin1'));
      handshake.take(bytes);
    }
  },
  'common/socks/messages readGreeting': ({ bytes }) => readGreeting(new ByteReader(bytes, 'greeting')),
  'common/socks/messages readLogin': ({ bytes }) => readLogin(new ByteReader(bytes, 'login')),
  'common/socks/messages readSocks4Request': ({ bytes }) =>
    readSocks4Request(new ByteReader(bytes, 'request')),
  'common/socks/messages readSocks5Request': ({ bytes }) =>
    readSocks5Request(new ByteReader(bytes, 'request')),
  'common/socks/messages readWhole': ({ bytes }) => readWhole(bytes, readGreeting),
  'common/socks/replies readSocks5Reply': ({ bytes }) => readSocks5Reply(new ByteReader(bytes, 'reply')),
  'common/socks/replies socks5Reply': ({ bytes }) =>
    socks5Reply(0, { kind: 'visitor', destination: bytes.subarray(0, 4_096) }),
  'common/socks/server SocksServer.step': ({ bytes }) => {
    new SocksServer().step({ kind: 'bytes', bytes }, 0);
    const server = askedServer();
    server.step({ kind: 'bytes', bytes }, 0);
    server.step({ kind: 'taking' }, 0);
  },
  'common/text/html Html.constructor': 'what was escaped',
  'common/text/html escapeHtml': ({ text }) => escapeHtml(text),
  'common/text/html html': ({ text }) => html`<p>${text}</p>`,
  'common/text/i2p-name sortHostName': ({ text }) => {
    for (const behind of ['', '.i2p', '.b32.i2p', ']']) sortHostName(`${text}${behind}`);
  },
  'common/unix-json/ask AskError.constructor': 'words of ours',
  'common/unix-json/ask KeptAsker.ask':
    'a socket, with a process of ours at its other end; MAX_ANSWER bounds it',
  'common/unix-json/ask KeptAsker.constructor': 'a path of ours',
  'common/unix-json/ask ask': 'a socket, with a process of ours at its other end; MAX_ANSWER bounds it',
  'common/unix-json/serve refuse': 'words of ours',
  'common/unix-json/serve serve': 'a socket, with a process of ours at its other end; MAX_BODY bounds it',
  'forwarder/socks/choose chooseParent': ({ text }) => {
    for (const behind of ['', '.i2p', '.']) chooseParent(asked(`${text}${behind}`), { tor: true });
  },
  'forwarder/socks/first-word firstWord': ({ bytes }) => firstWord(bytes),
  'router/client/stream-ask readStreamAsk': ({ text }) => readStreamAsk(asked(text)),
  'router/client/stream-ask wantsFrames': ({ text }) => wantsFrames(asked(text)),
  'router/client/visitors Visitors.arrive': ({ text }) => new Visitors().arrive({}, text, 0),
  'router/names/address-book AddressBook.compare': ({ text }) => new AddressBook().compare(text, text, text),
  'router/names/address-book AddressBook.learn': ({ text }) => new AddressBook().learn(text, text, text, 0),
  'router/names/address-book AddressBook.resolve': ({ text }) => new AddressBook().resolve(text, text),
  'router/names/address-book AddressBook.setHosts': 'the names of a hosts file that was read',
  'router/names/destination-text base32Name': 'a hash',
  'router/names/destination-text base32Of': 'a hash',
  'router/names/destination-text hashOfBase32': ({ text }) => hashOfBase32(text),
  'router/names/destination-text readDestination': ({ text }) => {
    readDestination(text);
    readDestination(text.slice(0, 652));
  },
  'router/names/hosts-file readHostsFile': ({ text }) => readHostsFile(text),
  'router/names/learnt-names LearntNames.add': ({ text }) => new LearntNames().add(text, text, HASH, 0),
  'router/names/learnt-names LearntNames.get': ({ text }) => new LearntNames().get(text, text),
  'router/names/learnt-names LearntNames.restore': ({ text, bytes }) =>
    new LearntNames().restore([
      { key: text, value: bytes },
      { key: text, value: Buffer.alloc(40) },
    ]),
  'tor-filter/filter/commands judgeCommand': ({ text }) => {
    for (const front of ['', 'SETEVENTS ', 'GETCONF ']) judgeCommand(`${front}${text}`);
  },
  'tor-filter/filter/commands valueIn': ({ text }) => {
    for (const front of ['', '250-version=']) valueIn('version', `${front}${text}`);
  },
  'tor-filter/filter/control-filter ControlFilter.step': ({ bytes, text }) => {
    const filter = new ControlFilter();
    filter.step({ kind: 'bytes', bytes }, 0);
    new ControlFilter().step({ kind: 'bytes', bytes: Buffer.from('GETINFO version\n') }, 0);
    filter.step({ kind: 'answer', text }, 0);
  },
};

export const SOCKS_STREAMS: Streams = {
  'common/socks/asking SocksAsking.take': () => {
    const client = asking();
    return (piece) => client.take(piece);
  },
  'common/socks/handshake SocksHandshake.take': () => {
    const handshake = new SocksHandshake();
    return (piece) => handshake.take(piece);
  },
  'common/socks/server SocksServer.step': () => {
    const server = askedServer();
    return (bytes) => server.step({ kind: 'bytes', bytes }, 0);
  },
  'tor-filter/filter/control-filter ControlFilter.step': () => {
    const filter = new ControlFilter();
    return (bytes) => filter.step({ kind: 'bytes', bytes }, 0);
  },
};
