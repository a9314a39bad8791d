# Third-party libraries, linked into the binary where that is possible, so that it needs only libc.
find_package(Threads REQUIRED)

add_library(quern_system INTERFACE)
target_link_libraries(quern_system INTERFACE Threads::Threads m ${CMAKE_DL_LIBS})

# qn_static_library(name header package): target quern_<name> for Debian's lib<name>.a.
function(qn_static_library name header package)
    find_library(QN_LIB_${name} NAMES lib${name}.a)
    find_path(QN_INCLUDE_${name} NAMES ${header})
    mark_as_advanced(QN_LIB_${name} QN_INCLUDE_${name})
    if(NOT QN_LIB_${name} OR NOT QN_INCLUDE_${name})
        message(FATAL_ERROR "${package} is missing: run scripts/setup.sh")
    endif()
    add_library(quern_${name} INTERFACE)
    target_link_libraries(quern_${name} INTERFACE ${QN_LIB_${name}})
    target_include_directories(quern_${name} SYSTEM INTERFACE ${QN_INCLUDE_${name}})
endfunction()

qn_static_library(jansson jansson.h libjansson-dev)
qn_static_library(sodium sodium.h libsodium-dev)
qn_static_library(z zlib.h zlib1g-dev)
qn_static_library(zstd zstd.h libzstd-dev)

set(duckdb_folder ${CMAKE_SOURCE_DIR}/third_party/duckdb)
if(NOT EXISTS ${duckdb_folder}/.verified)
    message(FATAL_ERROR "third_party/duckdb is missing: run scripts/fetch-third-party.sh")
endif()
add_library(quern_duckdb_header INTERFACE)
target_include_directories(quern_duckdb_header SYSTEM INTERFACE ${duckdb_folder})

# The archives refer to each other in circles, so they are one group; libstdc++ goes in too.
file(GLOB duckdb_archives ${duckdb_folder}/*.a)
set(duckdb_link -Wl,--start-group ${duckdb_archives} -Wl,--end-group -static-libgcc
                -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic)
add_library(quern_duckdb_static INTERFACE)
target_link_libraries(quern_duckdb_static INTERFACE ${duckdb_link} quern_system)

# Test programs share one object made of the same archives: a link takes 0.1 s instead of 2 s and a
# program 1 MB instead of 48. It is made without this build's flags: it holds no code of ours, and a
# sanitizer's runtime belongs to the program.
set(duckdb_shared ${CMAKE_BINARY_DIR}/libquern_duckdb.so)
file(WRITE ${CMAKE_BINARY_DIR}/duckdb.map.new "{ global: duckdb_*; local: *; };\n")
file(COPY_FILE ${CMAKE_BINARY_DIR}/duckdb.map.new ${CMAKE_BINARY_DIR}/duckdb.map ONLY_IF_DIFFERENT)
add_custom_command(
    OUTPUT ${duckdb_shared}
    COMMAND ${CMAKE_C_COMPILER} -shared -s -o ${duckdb_shared} -Wl,-soname,libquern_duckdb.so
            -Wl,--version-script=${CMAKE_BINARY_DIR}/duckdb.map -Wl,--whole-archive
            ${duckdb_folder}/libduckdb_static.a -Wl,--no-whole-archive ${duckdb_link} -lm -ldl -lpthread
    DEPENDS ${CMAKE_BINARY_DIR}/duckdb.map ${duckdb_archives}
    COMMENT "Linking libquern_duckdb.so"
    VERBATIM COMMAND_EXPAND_LISTS)
add_custom_target(quern_duckdb_object DEPENDS ${duckdb_shared})
add_library(quern_duckdb_imported SHARED IMPORTED)
set_target_properties(quern_duckdb_imported PROPERTIES IMPORTED_LOCATION ${duckdb_shared}
                                                       IMPORTED_SONAME libquern_duckdb.so)
add_dependencies(quern_duckdb_imported quern_duckdb_object)
add_library(quern_duckdb_shared INTERFACE)
target_link_libraries(quern_duckdb_shared INTERFACE quern_duckdb_imported quern_system)

if(QN_STATIC)
    set(QN_DUCKDB quern_duckdb_static)
else()
    set(QN_DUCKDB quern_duckdb_shared)
endif()
