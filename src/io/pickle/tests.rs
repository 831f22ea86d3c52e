//! Facts about the pickle machine.

use super::*;

fn root(bytes: &[u8]) -> Value<'_> {
    let mut pickle = Pickle::parse(bytes).unwrap();
    std::mem::replace(&mut pickle.values[pickle.root.0 as usize], Value::None)
}

fn message(bytes: &[u8]) -> String {
    Pickle::parse(bytes).unwrap_err()
}

#[test]
fn numbers_of_all_protocols_are_the_same() {
    for (bytes, number) in [
        (&b"I-7\n."[..], -7),
        (b"L-7L\n.", -7),
        (b"J\xf9\xff\xff\xff.", -7),
        (b"\x8a\x01\xf9.", -7),
        (b"K\xf9.", 249),
        (b"M\xf9\xff.", 65529),
        (b"\x8a\x05\xff\xff\xff\xff\x00.", 4_294_967_295),
        (b"\x8a\x00.", 0),
    ] {
        assert_eq!(root(bytes), Value::Int(number));
    }
    assert_eq!(root(b"I01\n."), Value::Bool(true));
    assert_eq!(root(b"F-0.25\n."), Value::Float(-0.25));
    assert_eq!(root(b"G\xbf\xd0\0\0\0\0\0\0."), Value::Float(-0.25));
    let long = [b"\x8a\x20".as_slice(), &[0; 31], b"\x01."].concat();
    assert_eq!(root(&long), Value::Float(2f64.powi(248)));
}

#[test]
fn texts_of_python_2_are_their_bytes() {
    for bytes in [
        &b"S'a\\x00\\'\\n\\303'\n."[..],
        b"S\"a\\x00'\\n\\xc3\"\n.",
        b"U\x05a\x00'\n\xc3.",
        b"T\x05\0\0\0a\x00'\n\xc3.",
    ] {
        let pickle = Pickle::parse(bytes).unwrap();
        assert_eq!(pickle.bytes(pickle.root).unwrap(), &b"a\x00'\n\xc3"[..]);
        assert_eq!(pickle.text(pickle.root).unwrap(), "a\0'\nÃ");
    }
    assert_eq!(root(b"Vfu\\u00df \xe9\n."), Value::Text("fuß é".into()));
}

#[test]
fn a_dictionary_gives_the_last_value_of_a_key() {
    let pickle = Pickle::parse(b"}(U\x01aK\x01U\x01bK\x02X\x01\0\0\0aK\x03u.").unwrap();
    let get = |key| pickle.get(pickle.root, key).and_then(|id| pickle.int(id));
    assert_eq!((get("a"), get("b"), get("c")), (Some(3), Some(2), None));
    assert_eq!(pickle.length, 22);
}

#[test]
fn depth_and_cycles_cost_no_stack() {
    let deep = [vec![b'('; 1_000_000], vec![b't'; 1_000_000], vec![b'.']].concat();
    assert_eq!(Pickle::parse(&deep).unwrap().values.len(), 1_000_004);
    let cycle = Pickle::parse(b"]q\x00h\x00a.").unwrap();
    assert_eq!(cycle.items(cycle.root), Some(&[cycle.root][..]));
}

#[test]
fn every_way_to_name_a_function_is_refused() {
    let refused = |name: &str| {
        format!(
            "the pickle asks for `{name}`; only arrays, tensors, sparse matrices and chumpy wrappers are read, and nothing is executed"
        )
    };
    assert_eq!(message(b"cos\nsystem\n(S'ls'\ntR."), refused("os.system"));
    assert_eq!(message(b"(S'ls'\nios\nsystem\n."), refused("os.system"));
    assert_eq!(
        message(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93."),
        refused("builtins.eval")
    );
    assert_eq!(
        message(b"cnumpy.core.multiarray\nfromfile\n."),
        refused("numpy.core.multiarray.fromfile")
    );
    assert_eq!(
        message(b"csklearn.mixture_evil\nrun\n."),
        refused("sklearn.mixture_evil.run")
    );
    assert!(message(b"\x82\x01.").contains("extension"));
}

#[test]
fn damage_is_told_with_its_place() {
    assert_eq!(message(b""), "the pickle is cut short");
    assert_eq!(message(b"X\xff\xff\xff\xffab"), "the pickle is cut short");
    assert_eq!(
        message(b"N\xff."),
        "the pickle is damaged at byte 1: 0xff is no instruction"
    );
    assert_eq!(message(b"t."), "the pickle is damaged at byte 0");
    assert_eq!(message(b"h\x07."), "the pickle is damaged at byte 1");
    assert_eq!(message(b"}(K\x01u."), "the pickle is damaged at byte 4");
}
