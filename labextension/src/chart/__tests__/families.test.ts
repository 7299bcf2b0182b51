import { expect, it } from 'vitest';
import { familyOf, groupFamilies } from '../families';

it.each([
  ['loss', 'loss'],
  ['val_loss', 'loss'],
  ['train/loss', 'loss'],
  ['validation/loss', 'loss'],
  ['test-accuracy', 'acc'],
  ['accuracy', 'acc'],
  ['val_acc', 'acc'],
  ['train/layer1/grad_norm', 'layer1/grad_norm'],
  ['val', 'val'],
  ['system/cpu_percent', 'system/cpu_percent'],
  ['training_loss', 'loss'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor']
])('puts %s into the family %s', (key, family) => {
  expect(familyOf(key)).toBe(family);
});

it('shows well-known families first and keeps the order of the rest', () => {
  const families = groupFamilies(['lr', 'val_acc', 'epoch', 'loss', 'acc', 'val_loss']);
  expect(families).toEqual([
    { name: 'loss', keys: ['loss', 'val_loss'] },
    { name: 'acc', keys: ['val_acc', 'acc'] },
    { name: 'lr', keys: ['lr'] },
    { name: 'epoch', keys: ['epoch'] }
  ]);
});
