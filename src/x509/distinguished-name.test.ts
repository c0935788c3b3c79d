import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAG } from './der-reader.ts';
import { der, objectIdentifier, sequence } from './der-writer.ts';
import { nameDer, readName } from './distinguished-name.ts';

const attribute = (oid: string, tag: number, value: string | Uint8Array): Uint8Array =>
  sequence(objectIdentifier(oid), der(tag, Buffer.from(value)));
const cn = (tag: number, value: string | Uint8Array): Uint8Array =>
  sequence(der(TAG.set, attribute('2.5.4.3', tag, value)));

describe('readName', () => {
  it('gives the last part first, as RFC 4514 does', () => {
    const written = nameDer([
      { type: 'O', value: 'cluster.local' },
      { type: 'OU', value: 'mesh' },
      { type: 'CN', value: 'root' },
      { type: 'serialNumber', value: '1f' },
    ]);
    expect(readName(written)).toEqual({
      text: 'serialNumber=1f,CN=root,OU=mesh,O=cluster.local',
      commonName: 'root',
    });
  });

  it('gives an empty name as empty text', () => {
    expect(readName(nameDer([]))).toEqual({ text: '', commonName: undefined });
  });

  it.each([
    ['UTF8String', cn(TAG.utf8String, 'Zoë 蔡'), 'CN=Zoë 蔡'],
    ['PrintableString', cn(TAG.printableString, 'plain'), 'CN=plain'],
    ['IA5String', cn(TAG.ia5String, 'a@b'), 'CN=a@b'],
    ['T61String', cn(TAG.t61String, Uint8Array.of(0x5a, 0xeb)), 'CN=Zë'],
    ['BMPString', cn(TAG.bmpString, Uint8Array.of(0x85, 0x21, 0, 0x41)), 'CN=蔡A'],
    ['another type', cn(TAG.octetString, Uint8Array.of(1, 2)), 'CN=#04020102'],
  ])('reads %s', (_, written, text) => {
    expect(readName(written).text).toBe(text);
  });

  it.each([
    ['a,b+c', 'CN=a\\,b\\+c'],
    ['"<x>;\\', 'CN=\\"\\<x\\>\\;\\\\'],
    [' x ', 'CN=\\ x\\ '],
    ['#x', 'CN=\\#x'],
    ['a\nERROR b', 'CN=a\\0aERROR b'],
    ['a\u0000b', 'CN=a\\00b'],
    ['\u202eevil', 'CN=\\e2\\80\\aeevil'],
  ])('escapes %j', (value, text) => {
    expect(readName(cn(TAG.utf8String, value)).text).toBe(text);
  });

  it('reads several attributes of one part and unknown types', () => {
    const written = sequence(
      der(TAG.set, attribute('2.5.4.6', TAG.printableString, 'DE')),
      der(
        TAG.set,
        attribute('2.5.4.3', TAG.utf8String, 'x'),
        attribute('1.2.3.4', TAG.utf8String, 'y'),
      ),
    );
    expect(readName(written).text).toBe('CN=x+1.2.3.4=y,C=DE');
  });

  it.each([
    ['UTF-8 that is none', cn(TAG.utf8String, Uint8Array.of(0xff)), 'not UTF-8'],
    ['a high byte in PrintableString', cn(TAG.printableString, Uint8Array.of(0xe4)), 'above 7f'],
    ['half a BMP character', cn(TAG.bmpString, Uint8Array.of(0)), 'half a character'],
    ['an empty part', sequence(der(TAG.set)), 'should begin'],
  ])('refuses %s', (_, written, problem) => {
    expect(() => readName(written)).toThrow(
      expect.objectContaining({ code: 'ERR_DER', message: expect.stringContaining(problem) }),
    );
  });
});

describe('nameDer', () => {
  it('keeps any text of 1 to 64 characters', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        text.filter((value) => [...value].length <= 64),
        (value) => {
          expect(readName(nameDer([{ type: 'CN', value }])).commonName).toBe(value);
        },
      ),
    );
  });

  it.each([
    [{ type: 'CN', value: '' } as const],
    [{ type: 'CN', value: 'x'.repeat(65) } as const],
    [{ type: 'O', value: '\ud800' } as const],
    [{ type: 'serialNumber', value: 'ä' } as const],
  ])('does not write %j', (written) => {
    expect(() => nameDer([written])).toThrow(expect.objectContaining({ code: 'ERR_ISSUANCE' }));
  });
});
