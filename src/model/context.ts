/** How dearly a caller wants an answer; what is shed first under overload. */
export type Criticality = 'critical' | 'default' | 'sheddable';
