# The target proximal_libtorch: a LibTorch found through CMAKE_PREFIX_PATH (a LibTorch folder, its share/cmake, or a
# Python site-packages/torch), else the wheel that scripts/setup.sh installed into .venv.
#
# TorchConfig.cmake of a CUDA wheel demands a CUDA toolkit and a compiler for it, even to build for the CPU. Our code is
# host C++ only, so the libraries are named here: programs link libtorch_cpu, and load libtorch_cuda at run time when
# there is a GPU. They start faster, and build where no toolkit is.
file(GLOB proximal_wheels "${CMAKE_CURRENT_LIST_DIR}/../../../.venv/lib/python3*/site-packages/torch")
set(proximal_torch_hints "")
foreach(prefix IN LISTS CMAKE_PREFIX_PATH)
    list(APPEND proximal_torch_hints "${prefix}" "${prefix}/torch" "${prefix}/../.." "${prefix}/../../..")
endforeach()
list(APPEND proximal_torch_hints $ENV{CMAKE_PREFIX_PATH} ${proximal_wheels})

find_path(PROXIMAL_TORCH_INCLUDE ATen/ATen.h HINTS ${proximal_torch_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(PROXIMAL_TORCH_CPU torch_cpu HINTS ${proximal_torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(PROXIMAL_TORCH_C10 c10 HINTS ${proximal_torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
if(NOT PROXIMAL_TORCH_INCLUDE OR NOT PROXIMAL_TORCH_CPU OR NOT PROXIMAL_TORCH_C10)
    message(FATAL_ERROR "LibTorch was not found: run scripts/setup.sh, which installs it into .venv, or give its folder "
                        "in CMAKE_PREFIX_PATH.")
endif()
get_filename_component(proximal_torch_lib "${PROXIMAL_TORCH_CPU}" DIRECTORY)
message(STATUS "LibTorch: ${proximal_torch_lib}")

add_library(proximal_libtorch INTERFACE)
target_include_directories(proximal_libtorch SYSTEM INTERFACE
    "${PROXIMAL_TORCH_INCLUDE}" "${PROXIMAL_TORCH_INCLUDE}/torch/csrc/api/include")
target_link_libraries(proximal_libtorch INTERFACE "${PROXIMAL_TORCH_CPU}" "${PROXIMAL_TORCH_C10}" ${CMAKE_DL_LIBS})
# What libtorch_cpu itself needs (CUDA's runtime in a CUDA wheel) it finds by its own rpath.
target_link_options(proximal_libtorch INTERFACE -Wl,--allow-shlib-undefined "-Wl,-rpath,${proximal_torch_lib}")
file(GLOB proximal_nvrtc "${proximal_torch_lib}/../../nvidia/*/lib/libnvrtc.so*")
foreach(library IN LISTS proximal_nvrtc)
    get_filename_component(directory "${library}" DIRECTORY)
    get_filename_component(directory "${directory}" ABSOLUTE)
    target_link_options(proximal_libtorch INTERFACE "-Wl,-rpath,${directory}")  # for the run-time compiler
    break()
endforeach()
