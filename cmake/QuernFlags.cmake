# Compiler and linker flags. Flags that not every supported compiler knows are tried first.
include(CheckCSourceCompiles)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
add_compile_definitions(_GNU_SOURCE)

# asserts stay on in every build, so NDEBUG is never defined.
set(CMAKE_C_FLAGS_RELEASE "-O3 -g0")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
                    -Wmissing-prototypes -Wvla -Werror)
# Model bytes are a contract: no fused or reordered arithmetic, no instructions of this machine only.
add_compile_options(-ffp-contract=off)
# Asserts name src/..., not the folder that this machine built in.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)

# qn_try_option(name flag...): adds the flags when a program compiles with them.
function(qn_try_option name)
    string(JOIN " " CMAKE_REQUIRED_FLAGS -Werror -O2 ${ARGN}) # FORTIFY warns without -O
    check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" QN_HAS_${name})
    if(QN_HAS_${name})
        add_compile_options(${ARGN})
    endif()
endfunction()

qn_try_option(ALLOCA -Walloca)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    # gcc cannot see that qn_fail() never returns QN_OK, and then takes outs for unset. clang-tidy,
    # which is told (scripts/analysis.h), looks for the real cases.
    add_compile_options(-Wno-maybe-uninitialized)
endif()

if(QN_SANITIZE STREQUAL address)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                        -fno-omit-frame-pointer -O1)
    add_link_options(-fsanitize=address,undefined)
elseif(QN_SANITIZE STREQUAL thread)
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -O1)
    add_link_options(-fsanitize=thread)
elseif(NOT QN_SANITIZE STREQUAL none)
    message(FATAL_ERROR "QN_SANITIZE is address, thread or none, not ${QN_SANITIZE}")
elseif(CMAKE_BUILD_TYPE STREQUAL Release)
    qn_try_option(FORTIFY -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    qn_try_option(STACK_PROTECTOR -fstack-protector-strong)
    qn_try_option(STACK_CLASH -fstack-clash-protection)
    qn_try_option(CF_PROTECTION -fcf-protection=full)
endif()
if(QN_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(QN_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()

add_compile_options(-fPIE)
add_link_options(-pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--gc-sections)
# What is shipped carries no symbols: 47 MB instead of 57.
set(QN_STRIP $<$<AND:$<CONFIG:Release>,$<BOOL:${QN_STATIC}>>:-s>)

# Functions that must not be used, each with what to use instead.
set(QN_BANNED -include ${CMAKE_SOURCE_DIR}/scripts/banned.h)
