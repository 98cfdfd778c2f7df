// What is known of the heap at moments. Sections come here when a run holds snapshots.

const heapSections = () => [];
