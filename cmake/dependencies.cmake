# Everything from outside, found in one place. Debian 12 is the floor, Debian 13 must work too.
# scripts/packages names the Debian package behind each.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(TBB REQUIRED CONFIG)
find_package(tl-expected REQUIRED CONFIG)
find_package(simdjson REQUIRED CONFIG)
find_package(fmt REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(SQLite3 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(EXPAT REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.81 REQUIRED)
pkg_check_modules(poppler_cpp REQUIRED IMPORTED_TARGET poppler-cpp)
# Its private headers are another interface in each release: the extractor on Poppler's objects is
# built with those that it was tested with, others get Poppler's own text output.
pkg_check_modules(poppler IMPORTED_TARGET poppler)
find_path(POPPLER_PRIVATE_INCLUDE_DIR poppler/PDFDoc.h)
if(poppler_FOUND AND POPPLER_PRIVATE_INCLUDE_DIR AND poppler_VERSION VERSION_GREATER_EQUAL 22.12
   AND poppler_VERSION VERSION_LESS 25.04)
  set(PENSTOCK_INTERPRETER ON)
  target_compile_definitions(penstock_settings INTERFACE PENSTOCK_INTERPRETER=1)
  pkg_check_modules(libdeflate REQUIRED IMPORTED_TARGET libdeflate)
else()
  set(PENSTOCK_INTERPRETER OFF)
  message(STATUS "Poppler ${poppler_VERSION}: no private headers, or none that are known; "
                 "building without the penstock extractor")
endif()
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
# TLS came with hiredis 1.0.
pkg_check_modules(hiredis_ssl IMPORTED_TARGET hiredis_ssl)
# Only its core: its own server and client of HTTP are other libraries.
pkg_check_modules(prometheus_cpp REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(libpqxx REQUIRED IMPORTED_TARGET libpqxx)
# The dashboard's charts (MIT): dygraph.min.js and dygraph.min.css.
find_path(PENSTOCK_DYGRAPHS dygraph.min.js PATHS /usr/share/javascript/dygraphs REQUIRED)
