# qn_embed(target symbol file): puts the bytes of a file into a target. Declare them as
#
#     extern const unsigned char symbol[];  followed by one zero byte, so text works as a string
#     extern const size_t symbol_size;      without that zero
#
# The file is relative to the repository's root. The assembler reads it at build time, so no other
# tool is needed, megabytes cost nothing, and a changed file is taken up by the next build.
function(qn_embed target symbol file)
    get_filename_component(path ${file} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
    if(NOT EXISTS ${path})
        message(FATAL_ERROR "qn_embed: there is no file ${file}")
    endif()
    set(source ${CMAKE_BINARY_DIR}/embed/${symbol}.c)
    file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
/* Generated: the bytes of @file@. */
__asm__(".section .rodata\n"
        ".balign 16\n"
        ".global @symbol@\n"
        ".type @symbol@, @object\n"
        "@symbol@:\n"
        ".incbin \"@path@\"\n"
        ".Lend_@symbol@:\n"
        ".byte 0\n"
        ".size @symbol@, . - @symbol@\n"
        ".balign 8\n"
        ".global @symbol@_size\n"
        ".type @symbol@_size, @object\n"
        "@symbol@_size:\n"
        ".quad .Lend_@symbol@ - @symbol@\n"
        ".size @symbol@_size, 8\n"
        ".previous\n");
typedef int qn_embed_unit;
]])
    set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${path})
    target_sources(${target} PRIVATE ${source})
endfunction()
