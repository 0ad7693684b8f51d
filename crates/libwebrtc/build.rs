//! Binds the installed libvpx. Its structures differ between releases, so the declarations are
//! made from the headers at hand and not kept in the repository.

use std::{env, path::PathBuf};

/// 1.8.0 is the first with everything that is called here.
const VPX_VERSION_MIN: &str = "1.8.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let vpx =
        pkg_config::Config::new().atleast_version(VPX_VERSION_MIN).probe("vpx").unwrap_or_else(
            |error| panic!("libvpx {VPX_VERSION_MIN} is needed: install libvpx-dev. {error}"),
        );
    let includes = vpx.include_paths.iter().map(|path| format!("-I{}", path.display()));
    let bindings = bindgen::Builder::default()
        .header_contents(
            "vpx.h",
            "#include <vpx/vpx_encoder.h>\n#include <vpx/vpx_decoder.h>\n\
             #include <vpx/vp8cx.h>\n#include <vpx/vp8dx.h>\n",
        )
        .clang_args(includes)
        .allowlist_function(
            "vpx_codec_(enc_config_default|enc_init_ver|enc_config_set|encode|get_cx_data|control_|\
             dec_init_ver|decode|get_frame|destroy|err_to_string|vp8_cx|vp8_dx)",
        )
        .allowlist_type("vp8e?_(enc|dec|com)_control_id|vpx_img_fmt|vpx_rc_mode|vpx_kf_mode")
        .allowlist_var(
            "VPX_(ENCODER|DECODER)_ABI_VERSION|VPX_EFLAG_FORCE_KF|VPX_DL_REALTIME|\
             VPX_FRAME_IS_KEY|VPX_ERROR_RESILIENT_DEFAULT|VPX_CODEC_OK",
        )
        .prepend_enum_name(false)
        .generate_comments(false)
        .layout_tests(false)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .generate()
        .expect("the headers of libvpx can be read: libclang is needed (libclang-dev)");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    bindings.write_to_file(out.join("vpx.rs")).expect("OUT_DIR can be written");
}
