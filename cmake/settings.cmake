# Language, warnings, sanitizers, and the tools that make a build short.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Asserts stay on in everything but a release.
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# What every target of ours is compiled with; linked PRIVATE, so that nothing leaks to a user.
add_library(penstock_settings INTERFACE)
target_include_directories(penstock_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(penstock_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                                   -Wnon-virtual-dtor -Wno-missing-field-initializers)

# GCC 12 sees overlapping copies in std::string's operator+ that are not there (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(penstock_settings INTERFACE -Wno-restrict)
endif()

option(PENSTOCK_WERROR "Warnings are errors" OFF)
if(PENSTOCK_WERROR)
  target_compile_options(penstock_settings INTERFACE -Werror)
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  target_link_options(penstock_settings INTERFACE -fuse-ld=mold)
endif()

# PENSTOCK_SANITIZE is a -fsanitize= list. A sanitizer reserves terabytes of address space and makes
# system calls of its own, so the extraction sandbox gives up its memory limit and its seccomp
# filter under one; everything else of it stays.
set(PENSTOCK_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
if(PENSTOCK_SANITIZE)
  # oneTBB's flow graph downcasts to what the object is not (_flow_graph_impl.h), so no vptr check.
  target_compile_options(penstock_settings INTERFACE -fsanitize=${PENSTOCK_SANITIZE}
                                                     -fno-sanitize=vptr -fno-omit-frame-pointer)
  target_link_options(penstock_settings INTERFACE -fsanitize=${PENSTOCK_SANITIZE})
  target_compile_definitions(penstock_settings INTERFACE PENSTOCK_SANITIZED=1)
  # GCC loses track of initialisation in instrumented code, in the standard library's own first.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(penstock_settings INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()

# penstock_library(NAME SOURCES... DEPENDS public targets... PRIVATE third-party targets...)
function(penstock_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE penstock_settings ${ARG_PRIVATE})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_DEPENDS})
  endif()
endfunction()
