# Tests, found by their names:
#     tests/unit/<layer>/test_<name>.c   program unit_<layer>_<name>; sees its layer and those below
#     tests/golden/test_<name>.c         program golden_<name>; sees everything up to flow
#     tests/cli/test_<name>.py           unittest; QUERN names the binary
#     tests/fuzz/fuzz_<name>.c           libFuzzer target (QN_FUZZ); ctest runs its kept corpus
# A unit test called test_alloc_<name>.c is linked with --wrap=qn_realloc_bytes: it defines
# __wrap_qn_realloc_bytes and may call __real_qn_realloc_bytes, to make any allocation fail.
if(NOT QN_TESTS)
    return()
endif()
find_library(QN_CMOCKA cmocka)
find_program(QN_PYTHON python3)
mark_as_advanced(QN_CMOCKA QN_PYTHON)

if(QN_SANITIZE STREQUAL none)
    set(test_timeout_s 300)
else()
    set(test_timeout_s 900)
endif()
set(test_environment
    "ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "LSAN_OPTIONS=print_suppressions=0"
    "TSAN_OPTIONS=halt_on_error=1"
    "QN_SOURCE_DIR=${CMAKE_SOURCE_DIR}"
    "QUERN=${CMAKE_BINARY_DIR}/quern"
    "QUERN_CLANG=${CMAKE_SOURCE_DIR}/build/clang/quern")

function(qn_register name label)
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${test_timeout_s}
                                            ENVIRONMENT "${test_environment}" ${ARGN})
endfunction()

# qn_c_test(name layer source): a cmocka program over a layer.
function(qn_c_test name layer source)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE quern_${layer} ${QN_CMOCKA})
    if(NOT layer MATCHES "^(base|learn)$")
        target_link_libraries(${name} PRIVATE quern_duckdb_shared)
    endif()
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE QN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    # cmocka.h wants these before it, and the formatter sorts it to the front.
    target_compile_options(${name} PRIVATE "SHELL:-include stdarg.h" "SHELL:-include stddef.h"
                                           "SHELL:-include stdint.h" "SHELL:-include setjmp.h")
    if(source MATCHES "/test_alloc_[^/]*$")
        target_link_options(${name} PRIVATE -Wl,--wrap=qn_realloc_bytes)
        # The wrapped names are not declared anywhere and are reserved; both are the linker's rule.
        target_compile_options(${name} PRIVATE -Wno-missing-prototypes)
    endif()
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endfunction()

if(QN_CMOCKA)
    foreach(layer IN LISTS QN_LAYERS)
        add_custom_target(unit_${layer}) # all unit tests of a layer
        file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${layer}/test_*.c)
        foreach(source IN LISTS sources)
            get_filename_component(name ${source} NAME_WE)
            string(REGEX REPLACE "^test_" "unit_${layer}_" name ${name})
            qn_c_test(${name} ${layer} ${source})
            add_dependencies(unit_${layer} ${name})
            qn_register(${name} ${layer})
        endforeach()
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/test_*.c)
    foreach(source IN LISTS sources)
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "^test_" "golden_" name ${name})
        qn_c_test(${name} flow ${source})
        qn_register(${name} golden)
    endforeach()
else()
    message(STATUS "cmocka is missing: the unit tests are left out (scripts/setup.sh test)")
endif()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/cli/test_*.py)
if(QN_PYTHON AND TARGET quern)
    foreach(source IN LISTS sources)
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "^test_" "cli_" test_name ${name})
        add_test(NAME ${test_name} COMMAND ${QN_PYTHON} -B -m unittest ${name}
                 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests/cli)
        qn_register(${test_name} cli)
    endforeach()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
if(QN_FUZZ)
    foreach(source IN LISTS sources)
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "^fuzz_" "" corpus ${name})
        add_executable(${name} ${source})
        target_link_libraries(${name} PRIVATE quern_cli quern_duckdb_shared)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        target_compile_options(${name} PRIVATE -Wno-missing-prototypes)
        target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
        add_test(NAME ${name}_corpus COMMAND ${name} -runs=0 ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${corpus})
        qn_register(${name}_corpus fuzz)
    endforeach()
endif()
