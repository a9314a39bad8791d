# One static library a layer. A folder without sources yet is an empty library, so that the layers
# above it can be described already.
set(QN_LAYERS "")

# qn_layer(name below...): library quern_<name> of src/<name>/*.c, which uses the given libraries.
macro(qn_layer name)
    list(APPEND QN_LAYERS ${name})
    file(GLOB layer_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
    if(layer_sources)
        add_library(quern_${name} STATIC ${layer_sources})
        target_include_directories(quern_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
        target_compile_options(quern_${name} PRIVATE ${QN_BANNED})
        target_link_libraries(quern_${name} PUBLIC ${ARGN})
    else()
        add_library(quern_${name} INTERFACE)
        target_include_directories(quern_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
        target_link_libraries(quern_${name} INTERFACE ${ARGN})
    endif()
endmacro()

# qn_define(layer definition...): preprocessor definitions of one layer.
function(qn_define layer)
    get_target_property(type quern_${layer} TYPE)
    if(NOT type STREQUAL INTERFACE_LIBRARY)
        target_compile_definitions(quern_${layer} PRIVATE ${ARGN})
    endif()
endfunction()
