const isAdmin = false;
/*‮ } ⁦if (isAdmin)⁩ ⁦ only admins may begin */
exports.begin = () => "begun";
/* end ‮ { ⁦*/
