import { describe, expect, it } from 'vitest';
import { boardGroupOf, boardKeyOf } from '../../src/core/board-key.js';

const all = { uniqueId: 'e661', usbSerial: 'E661', boardName: 'roof', machine: 'Pico' };

describe('the key of a board', () => {
  it('is its unique id, else its USB serial number, else the name that the user gave', () => {
    expect(boardKeyOf(all)).toBe('e661');
    expect(boardKeyOf({ ...all, uniqueId: null })).toBe('usb:E661');
    expect(boardKeyOf({ ...all, uniqueId: null, usbSerial: null })).toBe('name:roof');
    expect(boardKeyOf({ uniqueId: null, usbSerial: null, boardName: null })).toBeNull();
  });

  it('takes an empty answer of a board for none', () => {
    expect(boardKeyOf({ uniqueId: '', usbSerial: '', boardName: '' })).toBeNull();
  });

  it('never mistakes a name for an id or a serial number', () => {
    const named = (part: Partial<typeof all>) =>
      boardKeyOf({ uniqueId: null, usbSerial: null, boardName: null, ...part });
    const keys = ['uniqueId', 'usbSerial', 'boardName'].map((field) => named({ [field]: 'same' }));
    expect(new Set(keys).size).toBe(3);
  });

  it('groups boards that nothing tells apart by their kind', () => {
    const bare = { uniqueId: null, usbSerial: null, boardName: null };
    expect(boardGroupOf(all)).toBe('e661');
    expect(boardGroupOf({ ...bare, machine: 'Pico' })).toBe('unknown:Pico');
  });
});
