"""What each verb of the command line does: find the run, read the recipe, call the loop."""
