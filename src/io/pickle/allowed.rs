//! The names that a pickle may mention; any other refuses the whole file.
//!
//! None of them is ever called: the list only says what the readers understand, or may pass over.

/// The complaint about a name that is not on the list.
pub(super) fn check(module: &str, name: &str) -> Result<(), String> {
    match is_read(module, name) || is_passed_over(module, name) {
        true => Ok(()),
        false => Err(format!(
            "the pickle asks for `{module}.{name}`; only arrays, tensors, sparse matrices and chumpy wrappers are read, and nothing is executed"
        )),
    }
}

fn is_read(module: &str, name: &str) -> bool {
    match module {
        "__builtin__" | "builtins" => matches!(
            name,
            "object"
                | "set"
                | "frozenset"
                | "bytes"
                | "bytearray"
                | "list"
                | "dict"
                | "tuple"
                | "int"
                | "long"
                | "float"
                | "complex"
                | "bool"
                | "str"
                | "unicode"
                | "slice"
        ),
        "copy_reg" | "copyreg" => matches!(name, "_reconstructor" | "__newobj__"),
        "collections" => matches!(name, "OrderedDict" | "defaultdict"),
        "_codecs" => name == "encode",
        "numpy" => matches!(name, "ndarray" | "dtype" | "matrix"),
        "numpy.core.multiarray" | "numpy._core.multiarray" => {
            matches!(name, "_reconstruct" | "scalar")
        }
        "numpy.core.numeric" | "numpy._core.numeric" => name == "_frombuffer",
        "chumpy.ch" => name == "Ch",
        "chumpy.reordering" => name == "Select",
        "torch" => is_torch(name),
        "torch.storage" => matches!(name, "TypedStorage" | "UntypedStorage" | "_LegacyStorage"),
        "torch._utils" => matches!(
            name,
            "_rebuild_tensor"
                | "_rebuild_tensor_v2"
                | "_rebuild_tensor_v3"
                | "_rebuild_parameter"
                | "_rebuild_parameter_with_state"
        ),
        "torch._tensor" => name == "_rebuild_from_type_v2",
        "torch.nn.parameter" => name == "Parameter",
        _ => {
            module.starts_with("scipy.sparse")
                && matches!(
                    name,
                    "csc_matrix" | "csr_matrix" | "csc_array" | "csr_array"
                )
        }
    }
}

fn is_torch(name: &str) -> bool {
    const DTYPES: [&str; 24] = [
        "half",
        "float",
        "double",
        "bfloat16",
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "char",
        "short",
        "int",
        "long",
        "complex64",
        "complex128",
        "strided",
        "Tensor",
    ];
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric());
    matches!(name, "Size" | "device")
        || DTYPES.contains(&name)
        || letters && name.ends_with("Storage")
}

/// Settings and estimators that lie beside the numbers: kept as objects whose attributes can be looked at.
fn is_passed_over(module: &str, name: &str) -> bool {
    const PACKAGES: [&str; 5] = [
        "sklearn.mixture",
        "pytorch_lightning",
        "lightning",
        "lightning_fabric",
        "omegaconf",
    ];
    let inside = |package: &&str| {
        let rest = module.strip_prefix(*package);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    PACKAGES.iter().any(inside)
        || matches!(
            (module, name),
            ("argparse", "Namespace") | ("dotmap", "DotMap") | ("easydict", "EasyDict")
        )
        || module.split('.').next() == Some("pathlib") && name.ends_with("Path")
}
