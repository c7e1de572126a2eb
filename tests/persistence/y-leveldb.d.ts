/** What the tests use of y-leveldb, whose package does not tell the compiler where its own declarations are. */
declare module 'y-leveldb' {
  import type { Doc } from 'yjs';

  export const keyEncoding: { encode(parts: readonly (string | number)[]): Uint8Array };

  export class LeveldbPersistence {
    constructor(folder: string);
    getYDoc(document: string): Promise<Doc>;
    getStateVector(document: string): Promise<Uint8Array>;
    getAllDocNames(): Promise<string[]>;
    getMeta(document: string, key: string): Promise<unknown>;
    storeUpdate(document: string, update: Uint8Array): Promise<number>;
    destroy(): Promise<void>;
  }
}
