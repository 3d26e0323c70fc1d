"""What must be true at the end of the journey; each public function is one check and its docstring the
sentence.
"""
