import * as cp from "child_process";
cp.fork("worker.js");
