#!/usr/bin/env node
// npm makes the command's link when it installs, and none to a file that is not there: in a fresh clone nothing is built.
import "../dist/main.js";
