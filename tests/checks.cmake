# Tests that are no programs: what compilers say, and whether docs, tests and headers agree.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

function(proximal_check name script)
    add_test(NAME ${name} COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/${script}" ${ARGN})
endfunction()

proximal_check(mirrors scripts/check_mirrors.py)
proximal_check(quotes scripts/check_docs.py)
proximal_check(header_list scripts/list_headers.py)
proximal_check(scaling_table scripts/scaling_model.py)
find_program(PROXIMAL_CLANG_FORMAT clang-format)
if(PROXIMAL_CLANG_FORMAT)
    proximal_check(format scripts/check_format.py)
endif()

# Of the core and the reference, by both compilers, whichever builds the rest: a second each, where LibTorch takes minutes.
get_target_property(boost Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
get_target_property(eigen Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
set(system "")
foreach(folder ${boost} ${eigen})
    if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)  # to name /usr/include again would reorder it
        list(APPEND system --system "${folder}")
    endif()
endforeach()
set(include "${PROJECT_SOURCE_DIR}/include")
foreach(compiler g++ clang++)
    find_program(PROXIMAL_${compiler} ${compiler})
    if(PROXIMAL_${compiler})
        proximal_check(compile_fail_${compiler} tests/compile_fail/check.py --compiler "${PROXIMAL_${compiler}}"
            -I "${include}" ${system})
        proximal_check(headers_${compiler} scripts/check_headers.py --compiler "${PROXIMAL_${compiler}}"
            --component proximal --component eigen ${system})
        # each starts a compiler per core
        set_tests_properties(compile_fail_${compiler} headers_${compiler} PROPERTIES PROCESSORS 2)
    endif()
endforeach()

if(PROXIMAL_LM)  # what the docs print, as a reader pastes it
    get_target_property(libtorch proximal::torch_cpu INTERFACE_INCLUDE_DIRECTORIES)
    set(libtorch_system "")
    foreach(folder ${libtorch})
        list(APPEND libtorch_system --system "${folder}")
    endforeach()
    list(APPEND libtorch_system --system "${PROJECT_SOURCE_DIR}/backends/libtorch/include/proximal/lm/distributed/gloo_declarations")
    proximal_check(examples_of_the_docs scripts/check_examples.py --compiler "${CMAKE_CXX_COMPILER}" -I "${include}"
        -I "${PROJECT_SOURCE_DIR}/backends/libtorch/include" -I "${PROJECT_SOURCE_DIR}/backends/eigen/include" ${libtorch_system} ${system})
    set_tests_properties(examples_of_the_docs PROPERTIES PROCESSORS 2)
endif()
proximal_check(new_token_field tests/exercises/new_token_field.py --compiler "${CMAKE_CXX_COMPILER}" ${system})

find_program(PROXIMAL_CLANG_TIDY clang-tidy)
if(PROXIMAL_CLANG_TIDY)
    proximal_check(tidy scripts/check_tidy.py --clang-tidy "${PROXIMAL_CLANG_TIDY}" --component proximal --component eigen
        ${system})
    if(PROXIMAL_RUN)
        proximal_check(tidy_run scripts/check_tidy.py --clang-tidy "${PROXIMAL_CLANG_TIDY}" --component run
            -D PCRE2_CODE_UNIT_WIDTH=8 -D FMT_HEADER_ONLY)
    endif()
    if(PROXIMAL_JUDGE)
        proximal_check(tidy_judge scripts/check_tidy.py --clang-tidy "${PROXIMAL_CLANG_TIDY}" --component judge
            -D PCRE2_CODE_UNIT_WIDTH=8 -D FMT_HEADER_ONLY)
    endif()
endif()

# What Doxygen warns of is an error.
find_program(PROXIMAL_DOXYGEN doxygen)
if(PROXIMAL_DOXYGEN)
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/Doxyfile"
        "@INCLUDE = docs/Doxyfile\nOUTPUT_DIRECTORY = \"${CMAKE_CURRENT_BINARY_DIR}/doxygen\"\n")
    add_test(NAME doxygen COMMAND "${PROXIMAL_DOXYGEN}" "${CMAKE_CURRENT_BINARY_DIR}/Doxyfile"
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
endif()
