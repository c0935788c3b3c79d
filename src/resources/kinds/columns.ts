import type { Column } from '../kind-definition.ts';

/** How long ago a resource was made, which is the last column of most tables. */
export const ageColumn: Column = {
  name: 'Age',
  type: 'date',
  description: 'How long ago it was made.',
  jsonPath: '.metadata.creationTimestamp',
};

/** Whether the condition `Ready` holds, and why not: what cert-manager shows of its kinds. */
export const readyColumn: Column = {
  name: 'Ready',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type == "Ready")].status',
};

/** The message of the condition `Ready`, in wide tables. */
export const readyMessageColumn: Column = {
  name: 'Status',
  type: 'string',
  priority: 1,
  jsonPath: '.status.conditions[?(@.type == "Ready")].message',
};
