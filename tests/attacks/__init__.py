"""What a hostile pull request may hold, in words of our own, and the checks on everything that leaves a run.

The styles are those of published attacks: GitInject (instructions in the parts of a pull request), BIPIA (demands to
put something into the answer), Trojan Source (code that reads otherwise than it runs). Nothing of their texts is here.
"""
