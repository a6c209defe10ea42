# Compiler options for our own targets only; never exported.
add_library(flotilla_options INTERFACE)
target_compile_features(flotilla_options INTERFACE c_std_11)
set_target_properties(flotilla_options PROPERTIES INTERFACE_C_EXTENSIONS OFF)
target_compile_definitions(flotilla_options INTERFACE _GNU_SOURCE)
target_compile_options(flotilla_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes
  -Wmissing-prototypes
  # The same bits in the vector body and the scalar tail of a loop: products and sums are
  # fused only where the source says fma.
  -ffp-contract=off -fno-math-errno -fno-trapping-math
  $<$<CONFIG:Release>:-O3>)
if(FLOTILLA_WERROR)
  target_compile_options(flotilla_options INTERFACE -Werror)
endif()
if(FLOTILLA_NATIVE)
  target_compile_options(flotilla_options INTERFACE -march=native)
endif()
if(FLOTILLA_SANITIZE)
  target_compile_options(flotilla_options INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(flotilla_options INTERFACE -fsanitize=address,undefined)
endif()
if(FLOTILLA_COVERAGE)
  target_compile_options(flotilla_options INTERFACE --coverage)
  target_link_options(flotilla_options INTERFACE --coverage)
endif()
if(FLOTILLA_FUZZ)
  target_compile_options(flotilla_options INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer -Wno-pass-failed) # clang says which loops it left scalar
  target_link_options(flotilla_options INTERFACE -fsanitize=address,undefined)
endif()
