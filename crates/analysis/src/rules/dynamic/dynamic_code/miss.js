const f = function () {};
model.eval();
/a/.exec("a");
