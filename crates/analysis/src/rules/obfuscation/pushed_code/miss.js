const table = [
  ['name', 'one'],                                                                                                                                                                                                                                                                                                            // aligned
];
                                                                                                                                                                                                        fetch('https://example.org/' + table.length);
