"""A component of Autobahn's that has two names."""

from autobahn.twisted.component import Component

component = Component(realm="realm7")
main_component = component
