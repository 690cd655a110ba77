# The components of Proximal, each after those it stands on: what belongs to one is said here and nowhere else. The build,
# the installed package and scripts/components.py, through which the checks read it, all take it from this list.
#
#   proximal_owns(COMPONENT FOLDER OWN...)
#
# A component's headers lie below FOLDER: proximal/OWN.hpp and all of proximal/OWN/, for each OWN; with `*` all that no
# other component of the same FOLDER owns. Its target is proximal::COMPONENT, its option PROXIMAL_COMPONENT.
macro(proximal_owns component folder)
    list(APPEND proximal_components ${component})
    set(proximal_folder_${component} "${folder}")
    set(proximal_owned_${component} "${ARGN}")
endmacro()

set(proximal_components "")
proximal_owns(proximal include *)
proximal_owns(eigen backends/eigen/include eigen)
proximal_owns(run include io text run)
proximal_owns(judge include judge)
proximal_owns(arrow backends/arrow/include arrow)
proximal_owns(libtorch backends/libtorch/include libtorch)
proximal_owns(lm backends/libtorch/include lm)

# proximal_headers(COMPONENT SOURCE VARIABLE): the headers that a component owns in the source tree SOURCE.
function(proximal_headers component source variable)
    set(folder "${source}/${proximal_folder_${component}}")
    set(headers "")
    if(proximal_owned_${component} STREQUAL "*")
        file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${folder}/*.hpp")
        foreach(other IN LISTS proximal_components)
            if(NOT other STREQUAL component AND proximal_folder_${other} STREQUAL proximal_folder_${component})
                foreach(own IN LISTS proximal_owned_${other})
                    list(FILTER headers EXCLUDE REGEX "^${folder}/proximal/${own}(/|\\.hpp$)")
                endforeach()
            endif()
        endforeach()
    else()
        foreach(own IN LISTS proximal_owned_${component})
            file(GLOB_RECURSE found CONFIGURE_DEPENDS "${folder}/proximal/${own}/*.hpp")
            file(GLOB umbrella CONFIGURE_DEPENDS "${folder}/proximal/${own}.hpp")
            list(APPEND headers ${found} ${umbrella})
        endforeach()
    endif()
    set(${variable} "${headers}" PARENT_SCOPE)
endfunction()
