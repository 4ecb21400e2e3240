import { randomBytes } from 'node:crypto';
import { decode, encode } from '@allium/common/bytes/codec.ts';
import { createDestinationKeys, type DestinationKeys, destinationKeysCodec } from '../wire/destination.ts';
import { loadOrCreateKeys } from './key-file.ts';

const destinationKeysFile = {
  encode: (keys: DestinationKeys) => encode(destinationKeysCodec, keys),
  decode: (bytes: Uint8Array) => decode(destinationKeysCodec, bytes),
};

/** The keys of a Destination, made when the file is missing. Throws `KeyFileError`. */
export function loadDestinationKeys(file: string): DestinationKeys {
  return loadOrCreateKeys(file, destinationKeysFile, () => createDestinationKeys(randomBytes));
}
