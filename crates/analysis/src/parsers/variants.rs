//! One thing said in many ways: every line of the tables must be seen as the plain call on its right.

use super::tests::told;
use crate::language::Language;

/// Source and a line that must be among what is told of it.
type Table = &'static [(&'static str, &'static str)];

fn check(table: Table, language: Language) {
    let mut missed = Vec::new();
    for (source, expect) in table {
        let told = told(source, language);
        if !told.lines().any(|line| line == *expect) {
            missed.push(format!("{source}\n  got {told:?}\n  expected {expect:?}"));
        }
    }
    assert!(missed.is_empty(), "{} of {} missed:\n{}", missed.len(), table.len(), missed.join("\n"));
}

#[test]
fn python_calls_are_seen_however_they_are_written() {
    check(PYTHON, Language::Python);
}

#[test]
fn javascript_calls_are_seen_however_they_are_written() {
    check(JAVASCRIPT, Language::JavaScript);
}

#[test]
fn python_texts_are_folded_however_they_are_hidden() {
    check(PYTHON_TEXTS, Language::Python);
}

#[test]
fn javascript_texts_are_folded_however_they_are_hidden() {
    check(JAVASCRIPT_TEXTS, Language::JavaScript);
}

#[test]
fn encoded_tables_of_texts_are_looked_up() {
    check(ENCODED_TABLES, Language::JavaScript);
}

#[test]
fn tables_of_texts_are_looked_up() {
    check(TABLES, Language::JavaScript);
}

const PYTHON: Table = &[
    ("import os\nos.system('id')", "load os.system(id)"),
    ("import os as o\no.system('id')", "load os.system(id)"),
    ("from os import system\nsystem('id')", "load os.system(id)"),
    ("from os import system as s\ns('id')", "load os.system(id)"),
    ("from os import *\nsystem('id')", "load os.system(id)"),
    ("__import__('os').system('id')", "load os.system(id)"),
    ("__import__('so'[::-1]).system('id')", "load os.system(id)"),
    ("import importlib\nimportlib.import_module('os').system('id')", "load os.system(id)"),
    ("from importlib import import_module as i\ni('o' + 's').system('id')", "load os.system(id)"),
    ("import os\ngetattr(os, 'sys' + 'tem')('id')", "load os.system(id)"),
    ("import os\ngetattr(os, 'metsys'[::-1])('id')", "load os.system(id)"),
    ("getattr(__import__('os'), 'system')('id')", "load os.system(id)"),
    ("import os\nos.__dict__['system']('id')", "load os.system(id)"),
    ("import os\nvars(os)['system']('id')", "load os.system(id)"),
    ("import os\nos.__getattribute__('system')('id')", "load os.system(id)"),
    ("import sys\nsys.modules['os'].system('id')", "load os.system(id)"),
    ("import operator, os\noperator.attrgetter('system')(os)('id')", "load os.system(id)"),
    ("import operator, os\noperator.methodcaller('system', 'id')(os)", "load os.system(id)"),
    ("import os\nfrom functools import partial\npartial(os.system, 'id')()", "load os.system(?)"),
    ("import os\nrun = lambda c: os.system(c)\nrun('id')", "load os.system(id)"),
    ("import os\n(lambda f, c: f(c))(os.system, 'id')", "load os.system(id)"),
    ("import os\nlist(map(os.system, ['id']))", "load os.system(id)"),
    ("import os\n[f('id') for f in [os.system]]", "load os.system(id)"),
    ("import os\nfor f in (os.system,):\n    f('id')", "load os.system(id)"),
    ("import os\n@os.system\ndef f(): pass", "load os.system(?)"),
    ("import os\nif (s := os.system): s('id')", "load os.system(id)"),
    ("import os\ns = r = os.system\nr('id')", "load os.system(id)"),
    ("import os\na, b = os.system, 1\na('id')", "load os.system(id)"),
    ("import os\nd = {'x': os.system}\nd['x']('id')", "load os.system(id)"),
    ("import os\n(os.system,)[0]('id')", "load os.system(id)"),
    ("try:\n    import os as o\nexcept ImportError:\n    o = None\no.system('id')", "load os.system(id)"),
    ("import os\nos.system.__call__('id')", "load os.system(id)"),
    ("import posix\nposix.system('id')", "load os.system(id)"),
    ("import subprocess as s\ns.Popen(['id'])", "load subprocess.Popen(?)"),
    ("exec('1')", "load exec(1)"),
    ("e = exec\ne('1')", "load exec(1)"),
    ("import builtins\nbuiltins.exec('1')", "load exec(1)"),
    ("import builtins\ngetattr(builtins, 'ex' + 'ec')('1')", "load exec(1)"),
    ("import builtins\nbuiltins.__dict__['exec']('1')", "load exec(1)"),
    ("__builtins__.exec('1')", "load exec(1)"),
    ("__builtins__.__dict__['exec']('1')", "load exec(1)"),
    ("globals()['__builtins__'].exec('1')", "load exec(1)"),
    ("globals()['__builtins__'].__dict__['exec']('1')", "load exec(1)"),
    ("globals()['__builtins__']['exec']('1')", "load exec(1)"),
    ("getattr(__builtins__, 'exec')('1')", "load exec(1)"),
    ("vars(__builtins__)['exec']('1')", "load exec(1)"),
    ("__import__('builtins').exec('1')", "load exec(1)"),
    ("list(map(exec, ['1']))", "load exec(1)"),
    ("[*map(exec, ['1'])]", "load exec(1)"),
    ("\u{ff45}xec('1')", "load exec(1)"),
    ("\u{1d41e}\u{1d431}\u{1d41e}\u{1d41c}('1')", "load exec(1)"),
    ("exec(compile('1', 'x', 'exec'))", "load compile(1)"),
    ("(exec)('1')", "load exec(1)"),
    ("(lambda: exec)()('1')", "load exec(1)"),
    ("def f(): return exec\nf()('1')", "load exec(1)"),
    ("(exec if 1 else eval)('1')", "load exec(1)"),
];

const JAVASCRIPT: Table = &[
    ("require('child_process').exec('id')", "load child_process.exec(id)"),
    ("require('child_' + 'process').exec('id')", "load child_process.exec(id)"),
    ("require(`child_${'process'}`).exec('id')", "load child_process.exec(id)"),
    ("require('node:child_process').exec('id')", "load child_process.exec(id)"),
    ("require('child_process')['ex' + 'ec']('id')", "load child_process.exec(id)"),
    ("const {exec} = require('child_process'); exec('id')", "load child_process.exec(id)"),
    ("const {exec: e} = require('child_process'); e('id')", "load child_process.exec(id)"),
    ("const {exec: e = null} = require('child_process'); e('id')", "load child_process.exec(id)"),
    ("const {['exec']: e} = require('child_process'); e('id')", "load child_process.exec(id)"),
    ("let e; ({exec: e} = require('child_process')); e('id')", "load child_process.exec(id)"),
    ("let e; [e] = [require('child_process').exec]; e('id')", "load child_process.exec(id)"),
    ("import cp from 'child_process'; cp.exec('id')", "load child_process.exec(id)"),
    ("import * as cp from 'child_process'; cp.exec('id')", "load child_process.exec(id)"),
    ("import {exec as e} from 'child_process'; e('id')", "load child_process.exec(id)"),
    ("import {default as cp} from 'child_process'; cp.exec('id')", "load child_process.exec(id)"),
    ("const cp = await import('child_process'); cp.exec('id')", "load child_process.exec(id)"),
    ("import('child_process').then(cp => cp.exec('id'))", "load child_process.exec(id)"),
    ("import('child_process').then(({exec}) => exec('id'))", "load child_process.exec(id)"),
    (
        "import {createRequire} from 'module'; createRequire(import.meta.url)('child_process').exec('id')",
        "load child_process.exec(id)",
    ),
    (
        "import m from 'module'; const r = m.createRequire('/'); r('child_process').exec('id')",
        "load child_process.exec(id)",
    ),
    ("process.mainModule.require('child_process').exec('id')", "load child_process.exec(id)"),
    ("process['mainModule']['require']('child_process')['exec']('id')", "load child_process.exec(id)"),
    ("module.constructor._load('child_process').exec('id')", "load child_process.exec(id)"),
    ("require('module')._load('child_process').exec('id')", "load child_process.exec(id)"),
    ("module.require('child_process').exec('id')", "load child_process.exec(id)"),
    ("process.getBuiltinModule('child_process').exec('id')", "load child_process.exec(id)"),
    ("global.process.mainModule.require('child_process').exec('id')", "load child_process.exec(id)"),
    ("globalThis['require']('child_process').exec('id')", "load child_process.exec(id)"),
    ("const r = require; r('child_process').exec('id')", "load child_process.exec(id)"),
    ("(0, require)('child_process').exec('id')", "load child_process.exec(id)"),
    ("require.call(null, 'child_process').exec('id')", "load child_process.exec(id)"),
    ("Reflect.apply(require, null, ['child_process']).exec('id')", "load child_process.exec(id)"),
    ("Reflect.get(require('child_process'), 'exec')('id')", "load child_process.exec(id)"),
    ("require('child_process').exec.call(null, 'id')", "load child_process.exec(id)"),
    ("require('child_process').exec.apply(null, ['id'])", "load child_process.exec(id)"),
    ("require('child_process').exec.bind(null)('id')", "load child_process.exec(id)"),
    ("require('child_process').exec.bind(null, 'id')()", "load child_process.exec(?)"),
    ("require?.('child_process')?.exec?.('id')", "load child_process.exec(id)"),
    ("const o = {run: require('child_process').exec}; o.run('id')", "load child_process.exec(id)"),
    ("[require('child_process').exec][0]('id')", "load child_process.exec(id)"),
    ("['id'].forEach(require('child_process').exec)", "load child_process.exec(id)"),
    ("const f = (g, x) => g(x); f(require('child_process').exec, 'id')", "load child_process.exec(id)"),
    ("const f = () => require('child_process'); f().exec('id')", "load child_process.exec(id)"),
    ("(async () => { const {exec} = await import('child_process'); exec('id') })()", "load child_process.exec(id)"),
    (
        "const {promisify} = require('util'); promisify(require('child_process').exec)('id')",
        "load child_process.exec(id)",
    ),
    ("eval('1')", "load eval(1)"),
    ("(0, eval)('1')", "load eval(1)"),
    ("const e = eval; e('1')", "load eval(1)"),
    ("globalThis['ev' + 'al']('1')", "load eval(1)"),
    ("global.eval('1')", "load eval(1)"),
    ("window['\\x65val']('1')", "load eval(1)"),
    ("eval.call(null, '1')", "load eval(1)"),
    ("eval?.('1')", "load eval(1)"),
    ("Reflect.apply(eval, null, ['1'])", "load eval(1)"),
    ("['1'].map(eval)", "load eval(1)"),
    ("new Function('1')()", "load Function(1)"),
    ("Function('1')()", "load Function(1)"),
    ("[]['filter']['constructor']('1')()", "load Function(1)"),
    ("[].constructor.constructor('1')()", "load Function(1)"),
    ("(() => {}).constructor('1')()", "load Function(1)"),
    ("(function(){}).constructor('1')()", "load Function(1)"),
    ("''['constructor']['constructor']('1')()", "load Function(1)"),
    ("Function.prototype.constructor('1')()", "load Function(1)"),
    ("Object.getPrototypeOf(function(){}).constructor('1')()", "load Function(1)"),
    ("Object.getPrototypeOf(async function(){}).constructor('1')()", "load Function(1)"),
    ("Reflect.construct(Function, ['1'])()", "load Function(1)"),
];

const PYTHON_TEXTS: Table = &[
    ("exec('i' 'd')", "load exec(id)"),
    ("exec('i' + 'd')", "load exec(id)"),
    ("exec(''.join(['i', 'd']))", "load exec(id)"),
    ("exec(''.join(chr(c) for c in [105, 100]))", "load exec(id)"),
    ("exec(''.join([chr(c ^ 7) for c in [110, 99]]))", "load exec(id)"),
    ("exec(''.join([chr(x - 3) for x in [108, 103]]))", "load exec(id)"),
    ("exec(''.join(map(chr, [105, 100])))", "load exec(id)"),
    ("exec(''.join(map(lambda c: chr(c - 1), [106, 101])))", "load exec(id)"),
    ("exec(''.join(chr(ord(c) ^ 1) for c in 'he'))", "load exec(id)"),
    ("exec(bytes([105, 100]))", "load exec(id)"),
    ("exec(bytes([c ^ 7 for c in b'nc']))", "load exec(id)"),
    ("exec(bytes(c ^ 7 for c in [110, 99]).decode())", "load exec(id)"),
    ("exec(bytes(a ^ b for a, b in zip(b'nc', b'\\x07\\x07')))", "load exec(id)"),
    ("exec('di'[::-1])", "load exec(id)"),
    ("exec('xidx'[1:3])", "load exec(id)"),
    ("exec('i_d_'[::2])", "load exec(id)"),
    ("exec('idxx'[:-2])", "load exec(id)"),
    ("exec('i?d'.replace('?', ''))", "load exec(id)"),
    ("exec('{}{}'.format('i', 'd'))", "load exec(id)"),
    ("exec('{1}{0}'.format('d', 'i'))", "load exec(id)"),
    ("exec('%s%s' % ('i', 'd'))", "load exec(id)"),
    ("exec('%c%c' % (105, 100))", "load exec(id)"),
    ("exec('i%s' % 'd')", "load exec(id)"),
    ("a = 'd'\nexec(f'i{a}')", "load exec(id)"),
    ("exec('he'.translate({104: 105, 101: 100}))", "load exec(id)"),
    ("exec('he'.translate(str.maketrans('he', 'id')))", "load exec(id)"),
    ("exec('ID'.lower())", "load exec(id)"),
    ("exec('--id--'.strip('-'))", "load exec(id)"),
    ("exec('i,d'.replace(',', ''))", "load exec(id)"),
    ("exec('a|id|b'.split('|')[1])", "load exec(id)"),
    ("exec(chr(105) + chr(0x64))", "load exec(id)"),
    ("exec('\\x69\\u0064')", "load exec(id)"),
    ("exec('\\151\\144')", "load exec(id)"),
    ("exec(bytes.fromhex('6964'))", "load exec(id)"),
    ("exec(bytearray.fromhex('6964').decode())", "load exec(id)"),
    ("exec(chr(int('69', 16)) + chr(int('0b1100100', 2)))", "load exec(id)"),
    ("import binascii\nexec(binascii.unhexlify('6964'))", "load exec(id)"),
    ("import base64\nexec(base64.b64decode(b'aWQ='))", "load exec(id)"),
    ("import base64\nexec(base64.urlsafe_b64decode('aWQ='))", "load exec(id)"),
    ("import base64\nexec(base64.b32decode('NFSA===='))", "load exec(id)"),
    ("import base64\nexec(base64.b16decode('6964'))", "load exec(id)"),
    ("import base64\nexec(base64.b85decode('X=D'))", "load exec(id)"),
    ("import codecs\nexec(codecs.decode('vq', 'rot13'))", "load exec(id)"),
    ("import codecs\nexec(codecs.decode('vq', 'rot' + str(13)))", "load exec(id)"),
    ("exec('vq'.encode('rot13'))", "load exec(id)"),
    ("import zlib\nexec(zlib.decompress(b'x\\x9c\\xcbL\\x01\\x00\\x018\\x00\\xce'))", "load exec(id)"),
    ("import zlib, base64\nexec(zlib.decompress(base64.b64decode('eJzLTAEAATgAzg==')))", "load exec(id)"),
    (
        "_ = lambda __: __import__('zlib').decompress(__import__('base64').b64decode(__[::-1]))\nexec((_)(b'==gzAgTAAEATLzJe'))",
        "load exec(id)",
    ),
    (
        "def d(s, k):\n    o = ''\n    for i in range(len(s)):\n        o += chr(ord(s[i]) ^ ord(k[i % len(k)]))\n    return o\nexec(d('\\x02\\x06', 'kb'))",
        "load exec(id)",
    ),
    ("def d(s):\n    return ''.join([chr(ord(c) - 1) for c in s])\nexec(d('je'))", "load exec(id)"),
    ("import urllib.parse\nexec(urllib.parse.unquote('%69%64'))", "load exec(id)"),
    ("s = ''\nfor c in [105, 100]:\n    s += chr(c)\nexec(s)", "load exec(id)"),
    ("exec('i' * 1 + 'd')", "load exec(id)"),
    ("exec(''.join(reversed('di')))", "load exec(id)"),
    ("exec(str(b'id', 'utf8'))", "load exec(id)"),
];

const JAVASCRIPT_TEXTS: Table = &[
    ("eval('i' + 'd')", "load eval(id)"),
    ("eval(`i${'d'}`)", "load eval(id)"),
    ("eval(['i', 'd'].join(''))", "load eval(id)"),
    ("eval('di'.split('').reverse().join(''))", "load eval(id)"),
    ("eval([...'di'].reverse().join(''))", "load eval(id)"),
    ("eval(String.fromCharCode(105, 100))", "load eval(id)"),
    ("eval(String.fromCharCode(...[105, 100]))", "load eval(id)"),
    ("eval(String.fromCharCode.apply(null, [105, 100]))", "load eval(id)"),
    ("eval([105, 100].map(c => String.fromCharCode(c)).join(''))", "load eval(id)"),
    ("const k = 7; eval([110, 99].map(c => String.fromCharCode(c ^ k)).join(''))", "load eval(id)"),
    ("eval([110, 99].map(function (c) { return String.fromCharCode(c ^ 7) }).join(''))", "load eval(id)"),
    ("eval('110,99'.split(',').map(c => String.fromCharCode(c ^ 7)).join(''))", "load eval(id)"),
    ("eval('\\x69\\u0064')", "load eval(id)"),
    ("eval('\\u{69}d')", "load eval(id)"),
    ("eval(atob('aWQ='))", "load eval(id)"),
    ("eval(Buffer.from('aWQ=', 'base64').toString('utf8'))", "load eval(id)"),
    ("eval(Buffer.from('6964', 'hex').toString())", "load eval(id)"),
    ("eval(Buffer.from([105, 100]).toString())", "load eval(id)"),
    ("eval(unescape('%69%64'))", "load eval(id)"),
    ("eval(decodeURIComponent('%69%64'))", "load eval(id)"),
    ("eval('i?d'.replace('?', ''))", "load eval(id)"),
    ("eval('xidx'.slice(1, 3))", "load eval(id)"),
    ("eval('xidx'.substring(1, 3))", "load eval(id)"),
    ("eval('ID'.toLowerCase())", "load eval(id)"),
    ("eval((661).toString(36))", "load eval(id)"),
    ("eval(String.fromCharCode(parseInt('69', 16), 0x64))", "load eval(id)"),
    ("eval('x|id'.split('|')[1])", "load eval(id)"),
    ("eval('i'.concat('d'))", "load eval(id)"),
    ("const d = s => Buffer.from(s, 'base64').toString(); eval(d('aWQ='))", "load eval(id)"),
    ("function d(s) { return s.split('').reverse().join('') } eval(d('di'))", "load eval(id)"),
    ("eval(d('di')); function d(s) { return s.split('').reverse().join('') }", "load eval(id)"),
    (
        "function x(s, k) { let o = ''; for (let i = 0; i < s.length; i++) { o += String.fromCharCode(s.charCodeAt(i) ^ k.charCodeAt(i % k.length)) } return o } eval(x('\\x02\\x06', 'kb'))",
        "load eval(id)",
    ),
    ("eval(require('zlib').inflateSync(Buffer.from('eJzLTAEAATgAzg==', 'base64')).toString())", "load eval(id)"),
    ("eval(new TextDecoder().decode(new Uint8Array([105, 100])))", "load eval(id)"),
    ("const t = ['x', 'id']; eval(t[1])", "load eval(id)"),
    ("const o = {a: 'i', b: 'd'}; eval(o.a + o['b'])", "load eval(id)"),
];

const TABLES: Table = &[
    // The table of texts, the loop that turns it, and the look-up, as such tools write them.
    (
        "var _0xaa11=['exec','child_process','id'];(function(t,n){var f=function(c){while(--c){t['push'](t['shift']());}};f(++n);}(_0xaa11,0x1));var _0xbb22=function(a,b){a=a-0x0;var c=_0xaa11[a];return c;};require(_0xbb22('0x0'))[_0xbb22('0x2')](_0xbb22('0x1'));/* _0x _0x _0x _0x _0x _0x */",
        "load child_process.exec(id)",
    ),
    (
        "(function(_0x1a,_0x2b){const _0x3c=_0x9f,_0x4d=_0x1a();while(!![]){try{const _0x5e=parseInt(_0x3c(0x10))/0x1+parseInt(_0x3c(0x12))/0x2;if(_0x5e===_0x2b)break;else _0x4d['push'](_0x4d['shift']());}catch(_0x6f){_0x4d['push'](_0x4d['shift']());}}}(_0x7a,0x7));function _0x9f(_0xa,_0xb){_0xa=_0xa-0x10;const _0xc=_0x7a();let _0xd=_0xc[_0xa];return _0xd;}const _0xe=_0x9f;require(_0xe(0x13))[_0xe(0x11)]('id');function _0x7a(){const _0xf=['exec','6ab','child_process','4cd'];_0x7a=function(){return _0xf;};return _0x7a();}",
        "load child_process.exec(id)",
    ),
    // Operators and calls kept in an object.
    (
        "const _0xo={'abc':function(_0xf,_0xx){return _0xf(_0xx);},'def':function(_0xa,_0xb){return _0xa+_0xb;}};_0xo['abc'](require,_0xo['def']('child_','process'))['exec']('id');/*_0x _0x _0x _0x _0x*/",
        "load child_process.exec(id)",
    ),
];

/// The same with texts in base64 of another alphabet, kept once they were decoded.
const ENCODED_TABLES: Table = &[(
    "(function(_0x1a,_0x2b){const _0x4d=_0x1a();while(!![]){try{const _0x5e=parseInt(_0x9f(0x10));if(_0x5e===_0x2b)break;else _0x4d['push'](_0x4d['shift']());}catch(_0x6f){_0x4d['push'](_0x4d['shift']());}}}(_0x7a,0x5));function _0x7a(){const _0xf=['zxHLyW','nwfI','y2HPBgrFChjVy2vZCW'];_0x7a=function(){return _0xf;};return _0x7a();}function _0x9f(_0x1,_0x2){const _0x3=_0x7a();return _0x9f=function(_0xa,_0xb){_0xa=_0xa-0x10;let _0xc=_0x3[_0xa];if(_0x9f['KvPQ']===undefined){var _0xd=function(_0xe){const _0xf='abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=';let _0x10='',_0x11='';for(let _0x12=0x0,_0x13,_0x14,_0x15=0x0;_0x14=_0xe['charAt'](_0x15++);~_0x14&&(_0x13=_0x12%0x4?_0x13*0x40+_0x14:_0x14,_0x12++%0x4)?_0x10+=String['fromCharCode'](0xff&_0x13>>(-0x2*_0x12&0x6)):0x0){_0x14=_0xf['indexOf'](_0x14);}for(let _0x16=0x0,_0x17=_0x10['length'];_0x16<_0x17;_0x16++){_0x11+='%'+('00'+_0x10['charCodeAt'](_0x16)['toString'](0x10))['slice'](-0x2);}return decodeURIComponent(_0x11);};_0x9f['sDf']=_0xd,_0x1=arguments,_0x9f['KvPQ']=!![];}const _0x18=_0x3[0x0],_0x19=_0xa+_0x18,_0x1a=_0x1[_0x19];return!_0x1a?(_0xc=_0x9f['sDf'](_0xc),_0x1[_0x19]=_0xc):_0xc=_0x1a,_0xc;},_0x9f(_0x1,_0x2);}function main(){const _0x77=function(_0x1,_0x2){return _0x9f(_0x2-0x5,_0x1);};require(_0x77('x',0x16))[_0x77('y',0x17)]('id')}main();",
    "load child_process.exec(id)",
)];
