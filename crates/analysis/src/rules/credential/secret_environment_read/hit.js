const {NPM_TOKEN} = process.env;
