# Configures, builds and runs a project outside this one, and compares what it says:
#
#   cmake -Dproject=FOLDER -Dbuild=FOLDER "-Darguments=A|B" "-Dprograms=name=output|name=output" -P outside.cmake
#   cmake ... "-Drefused=sentence" -P outside.cmake      configuring must fail, and say this
#
# With -Dstep=install it installs `build` into `prefix`; with -Dstep=pkg_config it compiles `source` by the flags of
# proximal.pc alone.
function(run what)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(failed)
        message(FATAL_ERROR "${what} failed:\n${said}")
    endif()
    set(said "${said}" PARENT_SCOPE)
endfunction()
function(expect program output)
    run("${program}" "${program}")
    string(STRIP "${said}" said)
    if(NOT said STREQUAL output)
        message(FATAL_ERROR "${program} says '${said}', not '${output}'.")
    endif()
endfunction()
unset(ENV{CMAKE_PREFIX_PATH})  # nothing is found but what a test names

if(step STREQUAL "install")
    file(REMOVE_RECURSE "${prefix}" "${prefix}.first")
    run("installing" "${CMAKE_COMMAND}" --install "${build}" --prefix "${prefix}.first")
    file(RENAME "${prefix}.first" "${prefix}")  # an installed tree may be moved
    return()
endif()

file(REMOVE_RECURSE "${build}")
if(step STREQUAL "pkg_config")
    file(MAKE_DIRECTORY "${build}")
    set(ENV{PKG_CONFIG_PATH} "${prefix}/share/pkgconfig")
    run("pkg-config" pkg-config --cflags "proximal >= 0.1")
    separate_arguments(flags UNIX_COMMAND "${said}")
    run("compiling" "${compiler}" -std=c++20 ${flags} "${source}" -o "${build}/program")
    expect("${build}/program" "${programs}")
    return()
endif()

string(REPLACE "|" ";" arguments "${arguments}")
set(configure "${CMAKE_COMMAND}" -S "${project}" -B "${build}" -G "${generator}" ${arguments})
if(refused)
    execute_process(COMMAND ${configure} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE said)
    string(REGEX REPLACE "[ \n]+" " " said "${said}")
    string(FIND "${said}" "${refused}" at)
    string(REGEX MATCHALL "CMake Error" errors "${said}")
    list(LENGTH errors errors)
    if(NOT failed OR at EQUAL -1 OR NOT errors EQUAL 1)
        message(FATAL_ERROR "configuring should fail with one error that says '${refused}', but said:\n${said}")
    endif()
    return()
endif()
run("configuring" ${configure})
run("building" "${CMAKE_COMMAND}" --build "${build}")
string(REPLACE "|" ";" programs "${programs}")
foreach(program IN LISTS programs)
    string(REGEX MATCH "^([^=]+)=(.*)$" matched "${program}")
    expect("${build}/${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}")
endforeach()
