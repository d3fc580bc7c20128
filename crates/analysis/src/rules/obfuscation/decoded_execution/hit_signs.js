var no = (![] + []), yes = (!![] + []), none = ([][[]] + []), thing = ([] + {});
var word = thing[5] + thing[1] + none[1] + no[3] + yes[0] + yes[1] + none[0] + thing[5] + yes[0] + thing[1] + yes[1];
var make = [][no[0] + no[2] + no[1] + yes[0]][word];
make("console.log(1)")();
