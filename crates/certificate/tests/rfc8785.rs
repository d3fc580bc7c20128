//! The official vectors of RFC 8785 (github.com/cyberphone/json-canonicalization, `testdata`, Apache-2.0), and the numbers of
//! its appendix B. The library that writes canonical bytes passes all of them; what holds floats is never admitted as a payload.

use sigma_certificate::{admit_canonical, canonical_bytes};

const VECTORS: &[(&str, &[u8], &[u8], bool)] = &[
    ("arrays", include_bytes!("rfc8785/input/arrays.json"), include_bytes!("rfc8785/output/arrays.json"), true),
    ("french", include_bytes!("rfc8785/input/french.json"), include_bytes!("rfc8785/output/french.json"), true),
    (
        "structures",
        include_bytes!("rfc8785/input/structures.json"),
        include_bytes!("rfc8785/output/structures.json"),
        false,
    ),
    ("unicode", include_bytes!("rfc8785/input/unicode.json"), include_bytes!("rfc8785/output/unicode.json"), true),
    ("values", include_bytes!("rfc8785/input/values.json"), include_bytes!("rfc8785/output/values.json"), false),
    ("weird", include_bytes!("rfc8785/input/weird.json"), include_bytes!("rfc8785/output/weird.json"), true),
];

#[test]
fn the_library_passes_every_official_vector() {
    for (name, input, output, _) in VECTORS {
        let value: serde_json::Value = serde_json::from_slice(input).unwrap();
        let bytes = serde_json_canonicalizer::to_vec(&value).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(output), "{name}");
    }
}

#[test]
fn payloads_pass_where_they_hold_no_floats_and_are_refused_where_they_do() {
    for (name, input, output, integers) in VECTORS {
        match admit_canonical(input, 1 << 20) {
            Ok(bytes) => {
                assert!(integers, "{name} holds a float and was admitted");
                assert_eq!(bytes, *output, "{name}");
                let value: serde_json::Value = serde_json::from_slice(input).unwrap();
                assert_eq!(canonical_bytes(&value).unwrap(), *output, "{name}");
            }
            Err(error) => assert!(!integers, "{name}: {error}"),
        }
    }
}

#[test]
fn numbers_are_written_as_appendix_b_says() {
    let vectors: &[(u64, &str)] = &[
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in vectors {
        let bytes = serde_json_canonicalizer::to_vec(&f64::from_bits(*bits)).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), *expected);
    }
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(serde_json_canonicalizer::to_vec(&wrong).is_err(), "{wrong} has no JSON form");
    }
}
