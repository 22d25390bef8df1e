# Build settings every target of the tree shares, and the two functions that declare a target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Every build folder lies inside the source folder; without base_dir the cache would miss between them.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
endif()

add_library(headroom_settings INTERFACE)
target_include_directories(headroom_settings INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(headroom_settings INTERFACE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor
                                                   -Woverloaded-virtual -Wimplicit-fallthrough)
# cpprestsdk's U() macro breaks fmt and Boost.Beast.
target_compile_definitions(headroom_settings INTERFACE _TURN_OFF_PLATFORM_STRING
                                                       HEADROOM_VERSION="${PROJECT_VERSION}")
if(HEADROOM_SANITIZER)
  target_compile_options(headroom_settings INTERFACE -fsanitize=${HEADROOM_SANITIZER} -fno-omit-frame-pointer -g1
                                                     -fno-sanitize-recover=all)
  target_link_options(headroom_settings INTERFACE -fsanitize=${HEADROOM_SANITIZER})
  if(HEADROOM_SANITIZER MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's fences cannot be modelled by GCC's thread sanitizer; the warning would stop the build.
    target_compile_options(headroom_settings INTERFACE -Wno-tsan)
  endif()
endif()

# headroom_library(NAME SOURCES a.cc ... [PUBLIC libs...] [PRIVATE libs...])
# One folder, one library, one namespace.
function(headroom_library NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(${NAME} PUBLIC headroom_settings ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# headroom_test(NAME LABEL unit|scripted|integration|e2e SOURCES a_test.cc ... LIBS libs... [TIMEOUT seconds])
# One GoogleTest program; CTest knows it as one test. Integration programs run one at a time, as they do under
# sanitizers; end-to-end programs wait for clusters more than they compute, so two share the machine.
function(headroom_test NAME)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE headroom_settings ${ARG_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # Its warnings are false for a literal + std::string, https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651, and for
    # the strings of a list of structs.
    target_compile_options(${NAME} PRIVATE "$<$<CONFIG:Release>:-Wno-restrict;-Wno-maybe-uninitialized>")
  endif()
  add_test(NAME ${NAME} COMMAND ${NAME} --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${NAME} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABEL STREQUAL "integration")
    set_tests_properties(${NAME} PROPERTIES RESOURCE_LOCK cluster)
  endif()
endfunction()
