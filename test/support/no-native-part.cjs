// As on a computer where a native part was not built: loading what BELAY_TEST_NO_NATIVE names fails.
const load = process.dlopen;
process.dlopen = (module, file, ...rest) => {
  if (file.includes(process.env.BELAY_TEST_NO_NATIVE))
    throw new Error(`${file}: cannot open shared object file`);
  return load.call(process, module, file, ...rest);
};
