import {
  constants,
  createHash,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
} from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

export interface Signer {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function rsaSigner(bits = 4096): Signer {
  return generateKeyPairSync('rsa', { modulusLength: bits });
}

/** A self-signed X.509 certificate in PEM: only what a reader of ours looks at (RFC 5280, 4.1). */
export function selfSigned(signer: Signer, name: string, from: number, to: number): string {
  const rsaSha256 = der(0x30, der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
  const subject = der(
    0x30,
    der(0x31, der(0x30, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from(name)))),
  );
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    rsaSha256,
    subject,
    der(0x30, time(from), time(to)),
    subject,
    signer.publicKey.export({ format: 'der', type: 'spki' }),
  );
  const signature = createSign('RSA-SHA256').update(body).sign(signer.privateKey);
  const certificate = der(0x30, body, rsaSha256, der(0x03, Buffer.of(0), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.of(tag, body.length), body]);
  if (body.length < 256) return Buffer.concat([Buffer.of(tag, 0x81, body.length), body]);
  return Buffer.concat([Buffer.of(tag, 0x82, body.length >>> 8, body.length & 255), body]);
}

/** GeneralizedTime */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text));
}

export interface Su3Facts {
  readonly signerId: string;
  readonly content: Uint8Array;
  readonly version?: string;
  readonly fileType?: number;
  readonly contentType?: number;
}

/** An SU3 file as i2p-tools writes it: PKCS#1 v1.5 over the bare SHA-512. */
export function makeSu3(signer: Signer, facts: Su3Facts): Buffer {
  const { signerId, content, version = '1795521600', fileType = 0, contentType = 3 } = facts;
  const header = Buffer.alloc(40);
  header.write('I2Psu3', 0, 'latin1');
  header.writeUInt16BE(6, 8);
  header.writeUInt16BE(512, 10);
  header[13] = Math.max(16, version.length);
  header[15] = Buffer.byteLength(signerId);
  header.writeBigUInt64BE(BigInt(content.length), 16);
  header[25] = fileType;
  header[27] = contentType;
  const padded = Buffer.alloc(Math.max(16, version.length));
  padded.write(version);
  const signed = Buffer.concat([header, padded, Buffer.from(signerId), content]);
  return Buffer.concat([signed, rawSignature(signer, signed)]);
}

export function rawSignature(signer: Signer, signed: Uint8Array): Buffer {
  const hash = createHash('sha512').update(signed).digest();
  return privateEncrypt({ key: signer.privateKey, padding: constants.RSA_PKCS1_PADDING }, hash);
}

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly stored?: boolean;
  readonly method?: number;
  /** what the directory claims, if not the truth */
  readonly claimedSize?: number;
}

/** A ZIP file by hand (APPNOTE 4.3), so that it can lie. */
export function makeZip(entries: readonly ZipEntry[], claimedCount = entries.length): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, stored = false, claimedSize = bytes.length, ...rest } of entries) {
    const data = stored ? Buffer.from(bytes) : deflateRawSync(bytes, { level: 9 });
    const method = rest.method ?? (stored ? 0 : 8);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(claimedSize, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), fields, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('504b01021400', 'hex'), fields, tail, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32BE(0x504b0506, 0);
  end.writeUInt16LE(claimedCount & 0xffff, 8);
  end.writeUInt16LE(claimedCount & 0xffff, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}
