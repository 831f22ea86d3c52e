import { sortable } from './table.js';
import { themes } from './theme.js';
import { viewer } from './viewer.js';

themes();
document.querySelectorAll('table.sortable').forEach(sortable);
const place = document.getElementById('scene');
if (place) viewer(place);
